/** Composes the mail of a challenge, and hands it to a relay of the class. */
import { composeChallenge } from './challenge-mail.ts';
import { handIn, type RelayServer } from './hand-in.ts';
import type { OutgoingChallenge } from './mail-proofs.ts';

export interface SenderOfMail {
  readonly from: string;
  /** Host name of the class. */
  readonly hostname: string;
  /** Address of the page, without the token; undefined: there is none. */
  readonly pageURL: string | undefined;
  readonly server: RelayServer;
}

/** Resolves to why it could not be sent; undefined: it was. */
export async function sendChallenge(
  { key, token, code, expiryTime }: OutgoingChallenge,
  { from, hostname, pageURL, server }: SenderOfMail,
  signal: AbortSignal,
): Promise<string | undefined> {
  const slash = key.indexOf('/');
  const [namespace, to] = [key.slice(0, slash), key.slice(slash + 1)];
  const content = await composeChallenge({
    from,
    to,
    namespace,
    link: pageURL === undefined ? undefined : `${pageURL.replace(/\/+$/, '')}/${token}`,
    code,
    expiryTime,
    hostname,
    date: new Date(),
  });
  return handIn({ from, to, content }, server, signal);
}
