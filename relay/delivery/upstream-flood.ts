/**
 * nodemailer bounds the size of one reply, but not how many come, nor empty lines between them: each of those would
 * stay in its queue and cost a turn of the event loop. Its only place that sees every octet, before and after STARTTLS,
 * is a method it does not publish; the tests of hostile upstreams fail should a new version not have it.
 */
import type SMTPConnection from 'nodemailer/lib/smtp-connection';

/** A real upstream needs a tenth of it, with a hundred recipients and a long text for each. */
const RECEIVED_MAX_BYTES = 128 * 1024;

/** Breaks the connection off when more comes than that between two calls of the function it returns. */
export function boundReceived(connection: SMTPConnection): () => void {
  const inner = connection as unknown as { _onData: (chunk: Buffer) => void };
  const onData = inner._onData.bind(connection);
  let received = 0;
  inner._onData = (chunk) => {
    received += chunk.length;
    if (received <= RECEIVED_MAX_BYTES) return onData(chunk);
    if (connection._socket instanceof Object) connection._socket.destroy(new Error('sends without end'));
  };
  return () => {
    received = 0;
  };
}
