/** Addresses outside ASCII (RFC 6531), which we do not offer: what to answer, so that people know what to write instead. */
import { canonicalDomain } from '../address.ts';
import { replies, type Reply } from '../replies.ts';

/** The text of a line whose octets came as one character each. Clients that send these addresses send UTF-8. */
export function decodeLine(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('utf8');
}

/** The objection to a path outside ASCII (still one character an octet), with the address to write where there is one. */
export function objectionToNonAscii(path: string): Reply | undefined {
  if (isAscii(path)) return undefined;
  const address = decodeLine(path);
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  const domain = isAscii(local) ? canonicalDomain(address.slice(at + 1)) : undefined;
  return replies.nonAsciiAddress(domain === undefined ? undefined : `${local}@${domain}`);
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
