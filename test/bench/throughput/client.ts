/**
 * As little of an SMTP client as a load generator needs: what it costs is taken from the two cores that the server under
 * test has. MAIL, RCPT and DATA go together where the server offers PIPELINING.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as secure } from 'node:tls';
import { RECIPIENT, type Login } from './message.ts';

export interface LoadClient {
  /** Resolves to the milliseconds from the first octet of the content to the final reply. Rejects where it is no 250. */
  readonly send: (content: Buffer) => Promise<number>;
  readonly quit: () => Promise<void>;
  readonly destroy: () => void;
  /** From AUTH to its reply. */
  readonly authMs: number;
}

const DOT = Buffer.from('.\r\n');
/** A server that says nothing for so long is a finding, not a number. */
const SILENCE_MS = 60_000;

/** Connects, and logs in over STARTTLS. */
export async function openClient(port: number, { user, password, from }: Login): Promise<LoadClient> {
  const clear = connect({ port, host: '127.0.0.1', noDelay: true });
  const greeting = repliesOf(clear);
  await greeting.next('220');
  await greeting.ask('EHLO load.example', '250');
  await greeting.ask('STARTTLS', '220');
  clear.removeAllListeners('data');
  const socket = secure({ socket: clear, rejectUnauthorized: false });
  await Promise.race([once(socket, 'secureConnect'), once(clear, 'close').then(gone)]);
  const { ask, next } = repliesOf(socket);
  const offer = await ask('EHLO load.example', '250');
  const isPipelining = offer.includes('PIPELINING');
  const began = performance.now();
  await ask(`AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}`, '235');
  const authMs = performance.now() - began;
  const envelope = [`MAIL FROM:<${from}>`, `RCPT TO:<${RECIPIENT}>`, 'DATA'];
  return {
    authMs,
    destroy: () => socket.destroy(),
    send: async (content) => {
      if (isPipelining) {
        socket.write(`${envelope.join('\r\n')}\r\n`);
        for (const expected of ['250', '250', '354']) await next(expected);
      } else for (const line of envelope) await ask(line, line === 'DATA' ? '354' : '250');
      const start = performance.now();
      socket.write(Buffer.concat([content, DOT]));
      await next('250');
      return performance.now() - start;
    },
    quit: async () => {
      await ask('QUIT', '221');
      socket.destroy();
    },
  };
}

function gone(): never {
  throw new Error('the server closed the connection');
}

function repliesOf(socket: Socket) {
  let buffer = '';
  const replies: string[] = [];
  let trouble: Error | undefined;
  let waiting: (() => void) | undefined;
  const wake = (): void => {
    waiting?.();
    waiting = undefined;
  };
  const fail = (error: Error): void => {
    trouble ??= error;
    wake();
  };
  let whole = '';
  socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error(`no answer for ${SILENCE_MS / 1000} s`)));
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server closed the connection')));
  socket.on('data', (chunk: Buffer) => {
    buffer += chunk.toString('latin1');
    for (let end = buffer.indexOf('\r\n'); end >= 0; end = buffer.indexOf('\r\n')) {
      const line = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      whole += `${line}\n`;
      if (line[3] === '-') continue;
      replies.push(whole);
      whole = '';
    }
    wake();
  });
  const next = async (expected: string): Promise<string> => {
    while (replies.length === 0) {
      if (trouble !== undefined) throw trouble;
      await new Promise<void>((resolve) => (waiting = resolve));
    }
    const reply = replies.shift() ?? '';
    if (!reply.startsWith(expected)) throw new Error(`${reply.trim()} (not ${expected})`);
    return reply;
  };
  return {
    next,
    ask: (line: string, expected: string): Promise<string> => {
      socket.write(`${line}\r\n`);
      return next(expected);
    },
  };
}
