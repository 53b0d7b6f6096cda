/** What nodemailer knows of a connection and does not publish; tests fail should a new version not have it. */
import type SMTPConnection from 'nodemailer/lib/smtp-connection';

/**
 * The lines of EHLO's reply that hold now, without the code and the greeting; none after HELO. The last reply is another
 * one where STARTTLS was refused, and those of before TLS no longer hold after it.
 */
export function ehloLines(connection: SMTPConnection): readonly string[] {
  const { _ehloLines = [] } = connection as unknown as { readonly _ehloLines?: readonly string[] };
  return _ehloLines;
}

/**
 * Deals with the replies that have come. nodemailer takes one a turn, and forgets the rest when the connection breaks:
 * with pipelining they may be all that an upstream had to say.
 */
export function takeReplies(connection: SMTPConnection): void {
  const inner = connection as unknown as {
    readonly _responseQueue: readonly string[];
    readonly _responseActions: readonly unknown[];
    readonly _processResponse: () => void;
  };
  for (let left = Infinity; inner._responseQueue.length < left && inner._responseActions.length > 0;) {
    left = inner._responseQueue.length;
    inner._processResponse();
  }
}
