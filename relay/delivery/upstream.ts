/** One connection to a smart host, from the greeting to the log-in; what it then sends is in upstream-send.ts. */
import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext, type ConnectionOptions, type SecureContext } from 'node:tls';
import SMTPConnection, { type SMTPConnectionOptions, type SMTPError } from 'nodemailer/lib/smtp-connection';
import type { DeliverySettings, SmartHost } from '../config.ts';
import { deferred, printable, readReply } from './upstream-reply.ts';
import type { TransportResult, TransportTransaction } from './transport.ts';
import { ehloLines } from './upstream-inner.ts';
import { boundReceived } from './upstream-flood.ts';
import { createSender, type Extensions, type SenderOptions } from './upstream-send.ts';

export interface UpstreamConnection {
  readonly extensions: Extensions;
  /** Messages sent so far. */
  count(): number;
  isOpen(): boolean;
  send(transaction: TransportTransaction): Promise<TransportResult>;
  /** Says QUIT where nothing is under way; an upstream that does not answer is left anyway. */
  close(): void;
}

export interface UpstreamOptions {
  /** Our name in EHLO. */
  readonly hostname: string;
  readonly settings: DeliverySettings;
  readonly secureContext: SecureContext;
  /** Ends the wait for a connection. */
  readonly signal: AbortSignal;
}

/** Real replies have a few lines; the rest of this is patience. */
const REPLY_MAX_BYTES = 64 * 1024;
const QUIT_WAIT_MS = 1000;

/** Parsing the root certificates takes longer than a delivery: made once for each upstream. */
export function secureContextOf(upstream: SmartHost): SecureContext {
  return createSecureContext({ minVersion: 'TLSv1.2', ...(upstream.ca === undefined ? {} : { ca: upstream.ca }) });
}

/** A connection that is ready for MAIL, or why there is none. Resolves within `connectSeconds`. */
export function connectUpstream(
  upstream: SmartHost,
  { hostname, settings, secureContext, signal }: UpstreamOptions,
): Promise<UpstreamConnection | { readonly failure: ReturnType<typeof deferred> }> {
  const connection = new SMTPConnection(connectionOptions(upstream, { hostname, settings, secureContext }));
  const resetReceived = boundReceived(connection);
  return new Promise((resolve) => {
    let isDone = false;
    const done = (result: UpstreamConnection | string): void => {
      // what happens to a connection from then on is its sender's to deal with
      if (isDone) return;
      isDone = true;
      clearTimeout(deadline);
      signal.removeEventListener('abort', onAbort);
      if (typeof result !== 'string') return resolve(result);
      // first the reason: closing tells us that it is closed
      resolve({ failure: deferred('4.4.1', `${upstream.host}:${upstream.port}: ${result}`) });
      connection.close();
    };
    const onAbort = (): void => done('shutting down');
    signal.addEventListener('abort', onAbort);
    // nodemailer's own timers begin anew with each step, and none of them covers the log-in
    const deadline = setTimeout(() => done('timed out'), settings.connectSeconds * 1000);
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
  });
}

function connectionOptions(
  upstream: SmartHost,
  { hostname, settings, secureContext }: Omit<UpstreamOptions, 'signal'>,
): SMTPConnectionOptions {
  const connectMs = settings.connectSeconds * 1000;
  return {
    host: upstream.host,
    port: upstream.port,
    name: hostname,
    secure: upstream.tls === 'Implicit',
    requireTLS: upstream.tls === 'StartTLS',
    opportunisticTLS: upstream.tls === 'Opportunistic',
    ignoreTLS: upstream.tls === 'None',
    tls: tlsOptions(upstream, secureContext),
    connectionTimeout: connectMs,
    greetingTimeout: connectMs,
    dnsTimeout: connectMs,
    socketTimeout: Math.max(settings.commandSeconds, settings.finalDotSeconds) * 1000,
    socketCloseTimeout: QUIT_WAIT_MS,
    maxResponseSize: REPLY_MAX_BYTES,
  };
}

function tlsOptions(upstream: SmartHost, secureContext: SecureContext): ConnectionOptions {
  const name = upstream.serverName ?? upstream.host;
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
  if (error.response !== undefined) return readReply(error.response).text;
  const code = error.originalCode ?? error.code;
  return code === undefined || error.message.includes(code)
    ? printable(error.message)
    : printable(`${error.message} (${code})`);
}
