/**
 * Opens one connection to a smart host, from its name to the log-in; what is then sent over it is in upstream-send.ts.
 */
import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, createSecureContext, type ConnectionOptions, type SecureContext } from 'node:tls';
import type { DeliverySettings, SmartHost } from '../config/config.ts';
import { introduce, type Introduction, type NotReady, type SmtpClient } from '../smtp/client/client.ts';
import { createWire, within } from '../smtp/client/wire.ts';
import type { Verdict } from '../spool/record.ts';
import { dial } from './dial.ts';
import { defaultHelo } from './helo.ts';
import type { Resolve } from './resolve.ts';
import { deferred } from './upstream-reply.ts';

export interface UpstreamOptions {
  /** What users connect to; our name in EHLO, where the upstream's settings have none. */
  readonly hostname: string;
  readonly settings: DeliverySettings;
  readonly secureContext: SecureContext;
  readonly resolve: Resolve;
  /** The address that disappointed the last time: tried after all others. */
  readonly avoid?: string | undefined;
  /** Ends the wait for a connection. */
  readonly signal: AbortSignal;
  /** In place of a password. */
  readonly accessToken?: string | undefined;
}

/** Why there is no connection; `address` where one was reached, and was of no use. */
export interface Unreached {
  readonly failure: Verdict;
  readonly address?: string | undefined;
  /** The upstream does not know the password or token that it was told. */
  readonly isUnknown?: boolean;
}

/** Parsing the root certificates takes longer than a delivery: made once for each upstream. */
export function secureContextOf(upstream: SmartHost): SecureContext {
  return createSecureContext({ minVersion: 'TLSv1.2', ...(upstream.ca === undefined ? {} : { ca: upstream.ca }) });
}

/** A connection that is ready for MAIL, or why there is none. Resolves within `connectSeconds`. */
export async function connectUpstream(upstream: SmartHost, options: UpstreamOptions): Promise<SmtpClient | Unreached> {
  const ending = new AbortController();
  const onAbort = (): void => ending.abort(new Error('shutting down'));
  options.signal.addEventListener('abort', onAbort);
  if (options.signal.aborted) onAbort();
  // one for all steps: each may be quick, and their sum without end
  const deadline = setTimeout(() => ending.abort(new Error('timed out')), options.settings.connectSeconds * 1000);
  const bounded = { ...options, signal: ending.signal };
  try {
    const first = await attempt(upstream, bounded);
    if (!('problem' in first)) return first;
    // RFC 7435: encryption that fails must not keep away mail that would go without it; a password would stay here
    const isForClearText = first.at === 'handshake' && upstream.tls === 'Opportunistic';
    const isAgain = isForClearText && !logsIn(upstream) && !ending.signal.aborted;
    const last = isAgain ? await attempt({ ...upstream, tls: 'None' }, bounded) : first;
    if (!('problem' in last)) return last;
    const failure = deferred('4.4.1', `${upstream.host}:${upstream.port}: ${last.problem}`);
    return { failure, address: last.address, isUnknown: last.loginCode === 535 };
  } finally {
    clearTimeout(deadline);
    options.signal.removeEventListener('abort', onAbort);
  }
}

interface Failure {
  readonly problem: string;
  readonly at: NotReady['at'] | 'network';
  readonly address?: string | undefined;
  readonly loginCode?: number;
}

async function attempt(upstream: SmartHost, options: UpstreamOptions): Promise<SmtpClient | Failure> {
  const socket = await reach(upstream, options);
  if (typeof socket === 'string') return { problem: socket, at: 'network' };
  const { remoteAddress: address, localAddress } = socket;
  const wire = createWire(socket);
  const onAbort = (): void => wire.breakOff((options.signal.reason as Error).message);
  options.signal.addEventListener('abort', onAbort);
  if (options.signal.aborted) onAbort();
  try {
    const result = await introduce(wire, introductionTo(upstream, { ...options, localAddress }));
    if (!('problem' in result)) return result;
    // the end was ours, whatever it broke
    const problem = options.signal.aborted ? (options.signal.reason as Error).message : result.problem;
    wire.breakOff(problem);
    return { ...result, problem, address };
  } finally {
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
    return error instanceof Error ? error.message : String(error);
  }
}

function logsIn({ username, oauth2 }: SmartHost): boolean {
  return username !== undefined || oauth2 !== undefined;
}

/** Where others read along, rather what does not hold the password itself. */
const PREFERRED = {
  inTheClear: ['CRAM-MD5', 'PLAIN', 'LOGIN'],
  underTls: ['PLAIN', 'LOGIN', 'CRAM-MD5'],
  /** The one that has been there for longer is what more of them know. */
  oauth2: ['XOAUTH2', 'OAUTHBEARER'],
} as const;

const TLS = { StartTLS: 'Required', Implicit: 'Implicit', Opportunistic: 'Possible', None: 'None' } as const;

function introductionTo(
  upstream: SmartHost,
  options: UpstreamOptions & { readonly localAddress: string | undefined },
): Introduction {
  const { hostname, localAddress, settings, secureContext } = options;
  // a handshake without an answer must leave time for another connection without one
  const handshakeSeconds = settings.connectSeconds / (upstream.tls === 'Opportunistic' ? 2 : 1);
  return {
    name: upstream.helo ?? defaultHelo(hostname, localAddress),
    tls: TLS[upstream.tls],
    tlsOptions: tlsOptions(upstream, secureContext),
    handshakeDeadline: within(handshakeSeconds),
    ...(logsIn(upstream) ? { login: loginTo(upstream, options.accessToken) } : {}),
  };
}

function loginTo(
  { host, port, tls, auth, username, password = '', oauth2 }: SmartHost,
  accessToken = '',
): NonNullable<Introduction['login']> {
  const server = { host: withoutFinalDot(host), port };
  if (oauth2 !== undefined) {
    const mechanisms = auth === undefined ? PREFERRED.oauth2 : [auth];
    return { ...server, user: oauth2.user, secret: accessToken, mechanisms, isForClearText: false };
  }
  const isClear = tls === 'None';
  const mechanisms = auth === undefined ? PREFERRED[isClear ? 'inTheClear' : 'underTls'] : [auth];
  return { ...server, user: username ?? '', secret: password, mechanisms, isForClearText: isClear };
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
    rejectUnauthorized: upstream.tls !== 'Opportunistic' || logsIn(upstream),
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    ...(isIP(name) === 0 ? { servername: name } : {}),
  };
}
