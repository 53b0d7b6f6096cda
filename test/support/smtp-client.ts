/** A client that sends exactly the octets it is told to, and hands back replies line by line. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, TLSSocket } from 'node:tls';

export interface SmtpClient {
  /** Writes octets as they are; text is one octet a character. */
  send(octets: string | Buffer): Promise<void>;
  /** The next whole reply; its lines joined by `\n`. Rejects when the connection ends before. */
  reply(): Promise<string>;
  /** Sends a line with CRLF and waits for the reply. */
  ask(line: string): Promise<string>;
  startTls(options?: ConnectionOptions): Promise<TLSSocket>;
  /** Resolves with what came after the last reply read, when the server ends the connection. */
  closed(): Promise<string>;
  destroy(): void;
  readonly socket: () => Socket;
  /** The socket, which must be one with TLS. */
  readonly tls: () => TLSSocket;
}

export async function openClient(
  port: number,
  { tls, ca = '', localAddress = '127.0.0.1' }: { tls?: ConnectionOptions; ca?: string; localAddress?: string } = {},
): Promise<SmtpClient> {
  let socket: Socket =
    tls === undefined
      ? connect({ port, host: '127.0.0.1', localAddress })
      : connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca, ...tls });
  let buffer = '';
  let ended = false;
  let wake: () => void = () => undefined;
  attach(socket);
  await new Promise((resolve, reject) => {
    socket.once(tls === undefined ? 'connect' : 'secureConnect', resolve).once('error', reject);
  });

  function attach(to: Socket): void {
    to.setNoDelay(true);
    to.on('data', (chunk: Buffer) => {
      buffer += chunk.toString('latin1');
      wake();
    });
    const end = () => {
      if (to !== socket) return;
      ended = true;
      wake();
    };
    to.on('error', end).on('close', end).on('end', end);
    to.on('drain', () => wake());
  }

  async function until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  async function reply(): Promise<string> {
    const text = await until(() => {
      const match = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3}(?: [^\r\n]*)?\r\n/.exec(buffer)?.[0];
      return match ?? (ended ? '' : undefined);
    });
    if (text === '') throw new Error(`connection ended, unread: ${JSON.stringify(buffer)}`);
    buffer = buffer.slice(text.length);
    return text.slice(0, -2).replaceAll('\r\n', '\n');
  }

  async function send(octets: string | Buffer): Promise<void> {
    const bytes = typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets;
    if (!socket.write(bytes)) await until(() => (socket.writableNeedDrain && !ended ? undefined : true));
  }

  return {
    send,
    reply,
    async ask(line) {
      await send(`${line}\r\n`);
      return reply();
    },
    async startTls(options = {}) {
      const raw = socket;
      raw.removeAllListeners('data');
      const secure = connectTls({ socket: raw, servername: 'localhost', ca, ...options });
      socket = secure;
      attach(secure);
      await new Promise((resolve, reject) => {
        const gone = () => reject(new Error('connection ended in the handshake'));
        secure.once('secureConnect', resolve).once('error', reject).once('close', gone);
        // nobody tells a TLS socket of the end of a connection that was before it
        if (raw.destroyed) gone();
        else raw.once('close', gone);
      });
      return secure;
    },
    closed: () => until(() => (ended ? buffer : undefined)),
    destroy: () => socket.destroy(),
    socket: () => socket,
    tls: () => {
      if (!(socket instanceof TLSSocket)) throw new Error('no TLS');
      return socket;
    },
  };
}

/** The argument of AUTH PLAIN. */
export function plain(user: string, password: string, authorization = ''): string {
  return Buffer.from(`${authorization}\0${user}\0${password}`).toString('base64');
}

/**
 * Where clients come from that try again and again while nobody may be listening: from the server's own address, such an
 * attempt can be given the server's port as its own, and so be connected to itself.
 */
export const ELSEWHERE = { localAddress: '127.0.0.2' };

/** A client that has said EHLO, taken TLS and said EHLO again. */
export async function openSecureClient(
  port: number,
  options: { ca: string; localAddress?: string },
): Promise<SmtpClient> {
  const client = await openClient(port, options);
  await client.reply();
  await client.ask('EHLO client.example');
  await client.ask('STARTTLS');
  await client.startTls();
  await client.ask('EHLO client.example');
  return client;
}
