/** One connection to a smart host, from its name to the log-in; what it then sends is in upstream-send.ts. */
import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, createSecureContext, type ConnectionOptions, type SecureContext } from 'node:tls';
import SMTPConnection, { type SMTPConnectionOptions, type SMTPError } from 'nodemailer/lib/smtp-connection';
import type { DeliverySettings, SmartHost } from '../config.ts';
import type { Verdict } from '../spool/record.ts';
import { dial } from './dial.ts';
import type { Resolve } from './resolve.ts';
import { deferred, printable } from './upstream-reply.ts';
import type { TransportTransaction } from './transport.ts';
import type { Answers } from './upstream-answers.ts';
import { ehloLines } from './upstream-inner.ts';
import { boundReceived } from './upstream-flood.ts';
import { createSender, type Extensions, type SenderOptions } from './upstream-send.ts';

export interface UpstreamConnection {
  readonly extensions: Extensions;
  /** Messages sent so far. */
  count(): number;
  isOpen(): boolean;
  send(transaction: TransportTransaction, recipientsMax: number): Promise<Answers>;
  /** Says QUIT where nothing is under way; an upstream that does not answer is left anyway. */
  close(): void;
}

export interface UpstreamOptions {
  /** Our name in EHLO. */
  readonly hostname: string;
  readonly settings: DeliverySettings;
  readonly secureContext: SecureContext;
  readonly resolve: Resolve;
  /** The address that disappointed the last time: tried after all others. */
  readonly avoid?: string | undefined;
  /** Ends the wait for a connection. */
  readonly signal: AbortSignal;
}

/** Why there is no connection; `address` where one was reached, and was of no use. */
export interface Unreached {
  readonly failure: Verdict;
  readonly address?: string | undefined;
}

/** Real replies have a few lines; the rest of this is patience. */
const REPLY_MAX_BYTES = 64 * 1024;
const QUIT_WAIT_MS = 1000;

/** Parsing the root certificates takes longer than a delivery: made once for each upstream. */
export function secureContextOf(upstream: SmartHost): SecureContext {
  return createSecureContext({ minVersion: 'TLSv1.2', ...(upstream.ca === undefined ? {} : { ca: upstream.ca }) });
}

/** A connection that is ready for MAIL, or why there is none. Resolves within `connectSeconds`. */
export async function connectUpstream(
  upstream: SmartHost,
  options: UpstreamOptions,
): Promise<UpstreamConnection | Unreached> {
  const ending = new AbortController();
  const onAbort = (): void => ending.abort(new Error('shutting down'));
  options.signal.addEventListener('abort', onAbort);
  if (options.signal.aborted) onAbort();
  // nodemailer's own timers begin anew with each step, and none of them covers the log-in
  const deadline = setTimeout(() => ending.abort(new Error('timed out')), options.settings.connectSeconds * 1000);
  const bounded = { ...options, signal: ending.signal };
  const unreached = (problem: string, address?: string): Unreached => ({
    failure: deferred('4.4.1', `${upstream.host}:${upstream.port}: ${problem}`),
    address,
  });
  try {
    const socket = await reach(upstream, bounded);
    if (typeof socket === 'string') return unreached(socket);
    const { remoteAddress } = socket;
    const result = await introduce(upstream, socket, bounded);
    return typeof result === 'string' ? unreached(result, remoteAddress) : result;
  } finally {
    clearTimeout(deadline);
    options.signal.removeEventListener('abort', onAbort);
  }
}

/** A connection without a word said yet, or why there is none. */
async function reach({ host, port }: SmartHost, { resolve, avoid, signal }: UpstreamOptions): Promise<Socket | string> {
  try {
    const addresses = await resolve(host, signal);
    const ordered = [...addresses.filter((one) => one !== avoid), ...addresses.filter((one) => one === avoid)];
    return await dial(ordered, port, signal);
  } catch (error) {
    return printable(error instanceof Error ? error.message : String(error));
  }
}

/** From the greeting to the log-in. */
function introduce(
  upstream: SmartHost,
  socket: Socket,
  options: UpstreamOptions,
): Promise<UpstreamConnection | string> {
  const { settings, signal } = options;
  const connection = new SMTPConnection(connectionOptions(upstream, socket, options));
  const resetReceived = boundReceived(connection);
  return new Promise((resolve) => {
    let isDone = false;
    const done = (result: UpstreamConnection | string): void => {
      // what happens to a connection from then on is its sender's to deal with
      if (isDone) return;
      isDone = true;
      signal.removeEventListener('abort', onAbort);
      // first the reason: closing tells us that it is closed
      resolve(result);
      if (typeof result === 'string') connection.close();
    };
    const onAbort = (): void => done((signal.reason as Error).message);
    signal.addEventListener('abort', onAbort);
    let isLoggingIn = false;
    connection.on('error', (error: SMTPError) =>
      done(isLoggingIn ? codeOnly('connection lost during log-in', error) : reasonOf(error)),
    );
    connection.once('end', () => done('connection closed'));
    connection.connect((error) => {
      if (error !== undefined) return done(reasonOf(error));
      const extensions = readExtensions(ehloLines(connection));
      isLoggingIn = true;
      logIn(connection, upstream, (problem) =>
        done(problem ?? wrap(connection, { extensions, settings, resetReceived })),
      );
    });
    if (signal.aborted) onAbort();
  });
}

function connectionOptions(
  upstream: SmartHost,
  socket: Socket,
  { hostname, settings, secureContext }: UpstreamOptions,
): SMTPConnectionOptions {
  const connectMs = settings.connectSeconds * 1000;
  return {
    connection: socket,
    host: withoutFinalDot(upstream.host),
    port: upstream.port,
    name: hostname,
    secure: upstream.tls === 'Implicit',
    requireTLS: upstream.tls === 'StartTLS',
    opportunisticTLS: upstream.tls === 'Opportunistic',
    ignoreTLS: upstream.tls === 'None',
    tls: tlsOptions(upstream, secureContext),
    connectionTimeout: connectMs,
    greetingTimeout: connectMs,
    socketTimeout: Math.max(settings.commandSeconds, settings.finalDotSeconds) * 1000,
    socketCloseTimeout: QUIT_WAIT_MS,
    maxResponseSize: REPLY_MAX_BYTES,
  };
}

/** The dot keeps the search list away from a name; in a certificate and in SNI (RFC 6066 section 3) there is none. */
function withoutFinalDot(host: string): string {
  return host.replace(/\.$/, '');
}

function tlsOptions(upstream: SmartHost, secureContext: SecureContext): ConnectionOptions {
  const name = withoutFinalDot(upstream.serverName ?? upstream.host);
  return {
    secureContext,
    // opportunistic TLS takes any certificate (RFC 7435), but a password goes to nobody who does not prove a name
    rejectUnauthorized: upstream.tls !== 'Opportunistic' || upstream.username !== undefined,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    ...(isIP(name) === 0 ? { servername: name } : {}),
  };
}

function logIn(connection: SMTPConnection, upstream: SmartHost, done: (problem?: string) => void): void {
  if (upstream.username === undefined) return done();
  if (upstream.tls !== 'None' && !connection.secure) return done('no TLS, and the password is not sent in the clear');
  connection.login({ user: upstream.username, pass: upstream.password ?? '' }, (error) => {
    done(error === null ? undefined : codeOnly('log-in refused', error));
  });
}

/** An upstream may repeat what it was sent, and that was the password. */
function codeOnly(problem: string, { responseCode }: SMTPError): string {
  return responseCode === undefined ? problem : `${problem} with ${responseCode}`;
}

/** EHLO's reply: one keyword with its parameters a line (RFC 5321 section 4.1.1.1). */
function readExtensions(lines: readonly string[]): Extensions {
  const keywords = new Map(
    lines.map((line) => {
      const [keyword = '', parameter = ''] = line.split(/\s+/);
      return [keyword.toUpperCase(), parameter];
    }),
  );
  const maxBytes = Number(keywords.get('SIZE') ?? 0);
  return {
    eightBitMime: keywords.has('8BITMIME'),
    dsn: keywords.has('DSN'),
    ...(Number.isSafeInteger(maxBytes) && maxBytes > 0 ? { maxBytes } : {}),
  };
}

function wrap(connection: SMTPConnection, options: SenderOptions): UpstreamConnection {
  const sender = createSender(connection, options);
  return {
    extensions: options.extensions,
    count: sender.count,
    isOpen: () => !connection.destroyed,
    send: sender.send,
    close: () => {
      if (connection.destroyed) return;
      if (sender.isBusy()) return connection.close();
      connection.quit();
      setTimeout(() => connection.close(), QUIT_WAIT_MS).unref();
    },
  };
}

function reasonOf(error: SMTPError): string {
  if (error.response !== undefined) return printable(error.response);
  const code = error.originalCode ?? error.code;
  return code === undefined || error.message.includes(code)
    ? printable(error.message)
    : printable(`${error.message} (${code})`);
}
