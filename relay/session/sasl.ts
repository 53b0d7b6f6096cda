/** What clients send in an AUTH exchange: PLAIN (RFC 4616) and LOGIN, in base64 (RFC 4954). */

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** RFC 4616 section 2: each part has at least one character; names beyond this are nobody's. */
const USER_MAX = 255;

/** The text behind a line of an exchange: strict base64 of UTF-8, else undefined. Node's own decoder skips garbage. */
export function decodeBase64(line: string): string | undefined {
  if (!BASE64.test(line)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(line, 'base64'));
  } catch {
    return undefined;
  }
}

/** `authzid NUL authcid NUL password`: the identity to act as must be absent or the user's own. */
export function parsePlain(message: string): Credentials | 'malformed' | 'other-identity' {
  const parts = message.split('\0');
  const [authorization, user, password] = parts;
  if (parts.length !== 3 || authorization === undefined || user === undefined || password === undefined) {
    return 'malformed';
  }
  if (!isUserName(user) || password === '') return 'malformed';
  return authorization === '' || authorization === user ? { user, password } : 'other-identity';
}

/** A name that may be looked up and logged: no control characters, which could forge lines of a log. */
export function isUserName(text: string): boolean {
  return text !== '' && text.length <= USER_MAX && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text);
}
