/** A smart host that takes everything, and tells by HTTP what it has got: all of it, or at /ids the ids alone. */
import { createServer } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerEnvelope } from 'smtp-server';
import type { Received } from './jobs.ts';

const SMTP_PORT = 2525;
const HTTP_PORT = 8080;

const received: Received[] = [];

new SMTPServer({
  authOptional: true,
  disabledCommands: ['AUTH', 'STARTTLS'],
  disableReverseLookup: true,
  onData: (stream, { envelope }, callback) => void keep(stream, envelope, callback),
}).listen(SMTP_PORT);

createServer(({ url }, response) => {
  response.end(JSON.stringify(url === '/ids' ? received.map(({ id }) => id) : received));
}).listen(HTTP_PORT);

async function keep(
  stream: Readable,
  { mailFrom, rcptTo }: SMTPServerEnvelope,
  callback: (error?: Error) => void,
): Promise<void> {
  try {
    const message = await text(stream);
    received.push({
      id: /^X-Test-Id: (.*)$/im.exec(message)?.[1]?.trim() ?? '',
      mailFrom: mailFrom === false ? '' : mailFrom.address,
      recipients: rcptTo.map(({ address }) => address),
      message,
    });
    callback();
  } catch (error) {
    callback(error as Error);
  }
}
