/**
 * Connections to one upstream, kept for the next message. The caller (deliver.ts) decides how many may be in use at
 * once; the pool sees to it that none is used for longer, or for more messages, than the upstream's owner wants.
 */
import { setMaxListeners } from 'node:events';
import { createTokenSource, type TokenSource, withToken } from './access-token.ts';
import type { DeliverySettings, OAuth2, SmartHost } from '../config/config.ts';
import { allowedResolve } from './allowed-resolve.ts';
import type { Resolve } from './resolve.ts';
import { requestToken, TokenProblem, type TokenRequestOptions } from './token-request.ts';
import type { Transport, TransportResult, TransportTransaction } from './transport.ts';
import type { Answers } from './upstream-answers.ts';
import type { SmtpClient } from '../smtp/client/client.ts';
import { connectUpstream, secureContextOf, type Unreached } from './upstream.ts';
import { deferred } from './upstream-reply.ts';
import { sendOver } from './upstream-send.ts';

export interface UpstreamPool {
  readonly connections: NonNullable<Transport['connections']>;
  deliver(transaction: TransportTransaction, signal: AbortSignal): Promise<TransportResult>;
  /** Closes what has been idle for too long. */
  sweep(now: number): void;
  /** Closes everything; messages under way end as broken. */
  close(): void;
}

/** Many upstreams close after 30 s or more; one that closes earlier costs a new connection, not a message. */
const IDLE_MS = 20_000;

export interface PoolOptions {
  readonly hostname: () => string;
  readonly settings: () => DeliverySettings;
  readonly resolve: Resolve;
  readonly now: () => number;
}

export function createUpstreamPool(
  upstream: SmartHost,
  { hostname, settings, now, ...options }: PoolOptions,
): UpstreamPool {
  const resolve = allowedResolve(options.resolve, upstream.addresses);
  const idle: { readonly connection: SmtpClient; readonly since: number }[] = [];
  const open = new Set<SmtpClient>();
  /** Where an address of several takes connections and nothing else, the next attempt begins with another one. */
  let avoid: string | undefined;
  const limit = createRecipientLimit(upstream.recipientsPerTransaction);
  let secureContext: ReturnType<typeof secureContextOf> | undefined;
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);

  const tokens =
    upstream.oauth2 && tokensFor(upstream.oauth2, { ca: upstream.ca, resolve, signal: closing.signal }, now);

  async function connect(signal: AbortSignal): Promise<SmtpClient | Unreached> {
    const connection = tokens === undefined ? await connectOnce(signal) : await connectBy(tokens, signal);
    if ('failure' in connection) avoid = connection.address;
    else open.add(connection);
    return connection;
  }

  async function connectBy(tokens: TokenSource, signal: AbortSignal): Promise<SmtpClient | Unreached> {
    const connectWith = (token: string) => connectOnce(signal, token);
    try {
      return await withToken(tokens, connectWith, (result) => 'failure' in result && result.isUnknown === true);
    } catch (error) {
      if (error instanceof TokenProblem) return { failure: deferred('4.7.0', error.message) };
      throw error;
    }
  }

  function connectOnce(signal: AbortSignal, accessToken?: string): Promise<SmtpClient | Unreached> {
    secureContext ??= secureContextOf(upstream);
    return connectUpstream(upstream, {
      hostname: hostname(),
      settings: settings(),
      secureContext,
      resolve,
      avoid,
      signal: AbortSignal.any([closing.signal, signal]),
      accessToken,
    });
  }

  function takeIdle(): SmtpClient | undefined {
    for (let last = idle.pop(); last !== undefined; last = idle.pop()) {
      if (last.connection.isOpen()) return last.connection;
      open.delete(last.connection);
    }
    return undefined;
  }

  function giveBack(connection: SmtpClient): void {
    if (!closing.signal.aborted && connection.isOpen() && connection.count() < upstream.messagesPerConnection) {
      idle.push({ connection, since: now() });
      return;
    }
    open.delete(connection);
    connection.close();
  }

  async function use(connection: SmtpClient, transaction: TransportTransaction, signal: AbortSignal): Promise<Answers> {
    const breakOff = () => connection.close();
    signal.addEventListener('abort', breakOff);
    try {
      const recipientsMax = limit.most(now());
      const answers = await sendOver(connection, transaction, { recipientsMax, settings: settings() });
      if (answers.limit !== undefined) limit.learn(answers.limit, now());
      return answers;
    } finally {
      signal.removeEventListener('abort', breakOff);
      giveBack(connection);
    }
  }

  const isEnded = (signal: AbortSignal) => closing.signal.aborted || signal.aborted;

  async function sendOnce(transaction: TransportTransaction, signal: AbortSignal): Promise<Answers> {
    const reused = takeIdle();
    if (reused !== undefined) {
      const answers = await use(reused, transaction, signal);
      const { result, limit: learned } = answers;
      // an upstream may close an idle connection at any time: that says nothing about it or the message
      const isStale = result.kind === 'broken' && !result.wasSent && learned === undefined;
      if (isEnded(signal) || !isStale) return answers;
    }
    const connection = await connect(signal);
    if ('failure' in connection) return { result: { kind: 'unreachable', verdict: connection.failure } };
    return use(connection, transaction, signal);
  }

  /** Again, to fewer at once, where nobody got it for their number: each time the limit is lower. */
  async function deliver(transaction: TransportTransaction, signal: AbortSignal): Promise<TransportResult> {
    for (;;) {
      const { result, limit: learned } = await sendOnce(transaction, signal);
      const isAgain = learned !== undefined && isForNobody(result) && transaction.isAllOrNothing !== true;
      if (isEnded(signal) || !isAgain) return result;
    }
  }

  /** Those that have been idle for longest. */
  function closeWhile(isToClose: (oldest: (typeof idle)[number]) => boolean): void {
    for (let oldest = idle[0]; oldest !== undefined && isToClose(oldest); oldest = idle[0]) {
      idle.shift();
      open.delete(oldest.connection);
      oldest.connection.close();
    }
  }

  return {
    deliver,
    connections: { idle: () => idle.length, closeIdle: (most) => closeWhile(() => idle.length > most) },
    sweep: (time) => closeWhile(({ since, connection }) => time - since > IDLE_MS || !connection.isOpen()),
    close: () => {
      closing.abort();
      for (const connection of open) connection.close();
      open.clear();
      idle.length = 0;
    },
  };
}

function tokensFor(oauth2: OAuth2, options: TokenRequestOptions, now: () => number): TokenSource {
  return createTokenSource(() => requestToken(oauth2, options), now);
}

/** Nobody was refused for what it is, and nobody may have the message. */
function isForNobody(result: TransportResult): boolean {
  return result.kind === 'broken' ? !result.wasSent : result.kind === 'answered' && result.verdicts.size === 0;
}

/** What an upstream said once about the number of recipients is true for its next messages, too; but not for ever. */
const LIMIT_MS = 3600 * 1000;

function createRecipientLimit(set: number) {
  let learned = { most: set, until: 0 };
  const most = (time: number): number => (time < learned.until ? learned.most : set);
  return {
    most,
    learn: (limit: number, time: number): void => {
      learned = { most: Math.min(limit, most(time)), until: time + LIMIT_MS };
    },
  };
}
