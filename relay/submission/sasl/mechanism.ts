/** What every SASL mechanism (RFC 4422) has to work with. A further one is a file beside plain.ts, and a line in auth.ts. */
import type { Answer } from '../../replies.ts';
import { replies } from '../../replies.ts';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export interface Mechanism {
  /** As in the EHLO reply, in capitals. */
  readonly name: string;
  /** Talks to the client until it has named itself, or is answered otherwise. */
  readonly credentials: (ask: Ask) => Promise<Credentials | Answer>;
}

/** Sends a challenge, where the client has not answered it ahead, and resolves with its response; both are plain text. */
export type Ask = (challenge: string) => Promise<string | Answer>;

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** RFC 4616 section 2: each part has at least one character; names beyond this are nobody's. */
const USER_MAX = 255;

export const malformed = (): Answer => replies.badArgument('Authentication exchange is malformed');

/** The text behind a line of an exchange: strict base64 of UTF-8, else undefined. Node's own decoder skips garbage. */
export function decodeBase64(line: string): string | undefined {
  if (!BASE64.test(line)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(line, 'base64'));
  } catch {
    return undefined;
  }
}

/** A name that may be looked up and logged: no control characters, which could forge lines of a log. */
export function isUserName(text: string): boolean {
  return text !== '' && text.length <= USER_MAX && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text);
}
