/** Addresses outside ASCII (RFC 6531): taken in transactions whose MAIL asked for it, where the class offers that. */
import { canonicalDomain, isInternational } from '../address.ts';
import { replies, type Reply } from '../replies.ts';

/** The text of a line whose octets came as one character each; what is not UTF-8 becomes U+FFFD, which no address may have. */
export function decodeLine(octets: string): string {
  return isInternational(octets) ? Buffer.from(octets, 'latin1').toString('utf8') : octets;
}

/** The objection to a path outside ASCII, with the address to write where there is one. */
export function objectionToNonAscii(
  path: string,
  { isOffered, isAsked }: { readonly isOffered: boolean; readonly isAsked: boolean },
): Reply | undefined {
  if (!isInternational(path) || (isOffered && isAsked)) return undefined;
  const at = path.lastIndexOf('@');
  const local = path.slice(0, at);
  const domain = isInternational(local) ? undefined : canonicalDomain(path.slice(at + 1));
  const instead = domain === undefined ? undefined : `${local}@${domain}`;
  return isOffered ? replies.smtpUtf8NotAsked(instead) : replies.nonAsciiAddress(instead);
}
