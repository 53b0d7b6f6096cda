/** What is in a mail that proves an address. */
import assert from 'node:assert/strict';

export interface ReadChallenge {
  /** Undefined: it has none. */
  readonly link: string | undefined;
  readonly code: string;
}

export function readChallenge(content: Buffer | string): ReadChallenge {
  // quoted-printable, where lines are long
  const text = String(content).replaceAll(/=\r\n/g, '').replaceAll('=3D', '=');
  const [, code] = /^ {4}([A-Z0-9]{5}-[A-Z0-9]{5})\r$/m.exec(text) ?? [];
  assert.ok(code !== undefined, text);
  const [link] = /https?:\/\/[^\s"<]+\/[A-Za-z0-9_-]{43}/.exec(text) ?? [];
  return { link, code };
}

/** The part that most people see. */
export function htmlPart(content: Buffer | string): string {
  const part = /\r\nContent-Type: text\/html[^]*?\r\n\r\n([^]*?)\r\n--/.exec(String(content));
  const [head = '', body = ''] = part ?? assert.fail('there is no HTML');
  if (!/quoted-printable/i.test(head.slice(0, head.indexOf('\r\n\r\n')))) return body;
  const octets = body
    .replaceAll('=\r\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(octets, 'latin1').toString();
}
