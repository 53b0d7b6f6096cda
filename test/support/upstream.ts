/** Upstreams that really speak SMTP: one that behaves and can be told to refuse, and one that does whatever a test wants. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { SMTPServer, type SMTPServerAddress, type SMTPServerOptions } from 'smtp-server';
import type { SmartHost } from '../../relay/config/config.ts';
import { type OwnCertificates, ensureCertificates } from '../../operator/certificates/self-signed.ts';

export interface Received {
  readonly from: string;
  readonly to: readonly string[];
  readonly bytes: Buffer;
  readonly user: string | undefined;
  readonly isSecure: boolean;
  /** In the client's TLS handshake (SNI). */
  readonly serverName: string | undefined;
  readonly mailParameters: Readonly<Record<string, unknown>>;
  readonly recipientParameters: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** `550 5.1.1 text`: a refusal. Undefined: yes. */
type Answer = string | undefined;

export interface UpstreamOptions {
  readonly tls?: 'StartTLS' | 'Implicit' | 'None';
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly isEightBit?: boolean;
  readonly isDsn?: boolean;
  readonly maxBytes?: number;
  readonly onMail?: (from: string) => Answer;
  readonly onRecipient?: (to: string) => Answer;
  readonly onContent?: (received: Received) => Answer | Promise<Answer>;
}

export interface Upstream {
  readonly port: number;
  /** Messages answered with 250, in that order. */
  readonly received: readonly Received[];
  /** Connections that came, and those now open. */
  readonly connections: () => { readonly total: number; readonly open: number; readonly most: number };
  readonly smartHost: (overrides?: Partial<SmartHost>) => SmartHost;
  readonly close: () => Promise<void>;
}

let certificates: Promise<OwnCertificates> | undefined;

/** A certificate for localhost and 127.0.0.1 by a CA that only tests know. */
export function testCertificates(): Promise<OwnCertificates> {
  certificates ??= (async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'certificates-'));
    const made = await ensureCertificates(folder, { hostnames: ['localhost', '127.0.0.1'] });
    await rm(folder, { recursive: true });
    return made;
  })();
  return certificates;
}

export async function startUpstream(t: TestContext, options: UpstreamOptions = {}): Promise<Upstream> {
  const { tls = 'None', credentials } = options;
  const { ca, cert, key } = await testCertificates();
  const received: Received[] = [];
  let [total, open, most] = [0, 0, 0];
  const server = new SMTPServer({
    ...serverOptions(options, (message) => received.push(message)),
    secure: tls === 'Implicit',
    cert,
    key,
    onConnect: (_session, done) => {
      total++;
      open++;
      most = Math.max(most, open);
      done();
    },
    onClose: () => {
      open--;
    },
  });
  server.on('error', () => {});
  const port = await new Promise<number>((resolve) => {
    const listener = server.listen(0, '127.0.0.1', () => resolve((listener.address() as { port: number }).port));
  });
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  // not waited for: it waits for its clients, and they are ended after it
  t.after(() => void close());
  return {
    port,
    received,
    connections: () => ({ total, open, most }),
    smartHost: (overrides) =>
      aSmartHost(port, { tls, ...(tls === 'None' ? {} : { ca }), ...credentials, ...overrides }),
    close,
  };
}

export function aSmartHost(port: number, overrides: Partial<SmartHost> = {}): SmartHost {
  return {
    kind: 'smtp',
    host: '127.0.0.1',
    port,
    tls: 'None',
    maxConnections: 10,
    messagesPerConnection: 100,
    recipientsPerTransaction: 100,
    ...overrides,
  };
}

function serverOptions(options: UpstreamOptions, add: (received: Received) => void): SMTPServerOptions {
  const {
    tls = 'None',
    credentials,
    isEightBit = true,
    isDsn = false,
    maxBytes,
    onMail,
    onRecipient,
    onContent,
  } = options;
  return {
    disableReverseLookup: true,
    authOptional: credentials === undefined,
    allowInsecureAuth: tls === 'None',
    hideSTARTTLS: tls === 'None',
    disabledCommands: [...(tls === 'None' ? ['STARTTLS'] : []), ...(credentials === undefined ? ['AUTH'] : [])],
    hide8BITMIME: !isEightBit,
    hideDSN: !isDsn,
    ...(maxBytes === undefined ? {} : { size: maxBytes }),
    onAuth: ({ username, password }, _session, done) => {
      if (username === credentials?.username && password === credentials?.password) done(null, { user: username });
      else done(refusal(`535 5.7.8 no such thing as ${password}`));
    },
    onMailFrom: ({ address }, _session, done) => done(refusal(onMail?.(address))),
    onRcptTo: ({ address }, _session, done) => done(refusal(onRecipient?.(address))),
    onData: (stream, session, done) => {
      const take = async () => {
        const { mailFrom, rcptTo } = session.envelope;
        const message: Received = {
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          bytes: await buffer(stream),
          user: session.user,
          isSecure: session.secure,
          serverName: session.servername === false ? undefined : (session.servername ?? undefined),
          mailParameters: parametersOf(mailFrom),
          recipientParameters: Object.fromEntries(rcptTo.map((one) => [one.address, parametersOf(one)])),
        };
        const answer = await onContent?.(message);
        if (answer === undefined) add(message);
        return refusal(answer);
      };
      // a client that goes away in the middle is no fault of the test
      const finish = async () => done(await take().catch((error: Error) => error));
      void finish();
    },
  };
}

function parametersOf(address: SMTPServerAddress | false): Record<string, unknown> {
  return address === false || typeof address.args !== 'object' ? {} : { ...address.args };
}

function refusal(answer: Answer): (Error & { responseCode: number }) | null {
  if (answer === undefined) return null;
  return Object.assign(new Error(answer.slice(4)), { responseCode: Number(answer.slice(0, 3)) });
}

export interface RawUpstream {
  readonly port: number;
  readonly connections: () => number;
  /** Connections now open. */
  readonly open: () => number;
  /** Command lines, and the content as lines, of all connections. */
  readonly lines: readonly string[];
}

/** `greet` writes what it likes; `answer` gets each line that comes. */
export async function startRawUpstream(
  t: TestContext,
  {
    greet = (socket) => socket.write('220 raw\r\n'),
    answer,
    host = '127.0.0.1',
    port = 0,
  }: {
    greet?: (socket: Socket) => void;
    answer?: (line: string, socket: Socket) => void;
    host?: string;
    port?: number;
  },
): Promise<RawUpstream> {
  let connections = 0;
  const lines: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    let rest = '';
    socket.on('data', (chunk) => {
      const parts = (rest + chunk.toString('latin1')).split('\r\n');
      rest = parts.pop() ?? '';
      for (const line of parts) {
        lines.push(line);
        answer?.(line, socket);
      }
    });
    greet(socket);
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as { port: number }).port,
    connections: () => connections,
    open: () => sockets.size,
    lines,
  };
}

/** Answers like any server, until `different` has something else to say. */
export function ordinaryAnswers(different: (line: string, socket: Socket) => string | undefined = () => undefined) {
  const inContent = new WeakSet<Socket>();
  return (line: string, socket: Socket): void => {
    if (inContent.has(socket) && line !== '.') return;
    inContent.delete(socket);
    const reply = different(line, socket) ?? ordinary(line);
    if (reply.startsWith('354')) inContent.add(socket);
    if (reply !== '') socket.write(`${reply}\r\n`);
  };
}

function ordinary(line: string): string {
  if (line.startsWith('EHLO')) return '250-raw\r\n250-8BITMIME\r\n250 SIZE 10000000';
  if (line === 'DATA') return '354 go on';
  return line === 'QUIT' ? '221 bye' : '250 ok';
}
