/** JSON requests to the API server: rate-limited, retried where a retry can help, and never past a deadline. */
import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { RefusedError, type ApiAnswer } from './answers.ts';
import { cachedCredentials, type CredentialsSource } from './credentials.ts';
import { AnswerTooLargeError } from './exchange.ts';
import { createHttpTransport, readLines, type HttpRequest, type HttpTransport } from './http.ts';
import { tokenBucket, type Sleep, type RateLimit } from './token-bucket.ts';

export interface KubeClient {
  readonly request: <T>(request: KubeRequest) => Promise<ApiAnswer<T>>;
  /** Events of a watch until the server ends it. Throws on a lost or silent connection. */
  readonly watch: (path: string, options: WatchOptions) => AsyncGenerator<WatchEvent>;
  /** An answer that is text, line by line as it comes. Throws RefusedError where there is none. */
  readonly lines: (path: string, options: WatchOptions) => AsyncGenerator<string>;
  readonly close: () => void;
}

interface KubeRequest extends Omit<HttpRequest, 'body'> {
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Whether an answer is final that is otherwise tried again: another try could not change it. */
  readonly isFinal?: (answer: ApiAnswer<unknown>) => boolean;
  /** Default: 5. A lease must not be renewed by a late retry, for instance. */
  readonly attempts?: number;
}

interface WatchOptions {
  readonly signal: AbortSignal;
  readonly as?: KubeRequest['as'];
}

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: unknown }
  | { readonly type: 'ERROR'; readonly object: { readonly code?: number; readonly message?: string } };

export interface ClientOptions {
  /** Requests a second in the long run, and at once. Above what one API server does for one client; it queues fairly itself. */
  readonly perSecond?: number;
  readonly burst?: number;
  /** Milliseconds for which this process may still write; 0 or less: not at all (see lease.ts). Default: for ever. */
  readonly writableMs?: () => number;
  /** Longest silence of a watch before its connection counts as dead. */
  readonly watchSilenceMs?: number;
  /** Instead of letting time pass, before a further attempt or beyond the burst. */
  readonly pause?: Sleep;
  readonly onRequest?: (request: { method: string; status: number; seconds: number }) => void;
}

const ATTEMPTS = 5;
const REQUEST_TIMEOUT_MS = 30_000;
const RETRY_FIRST_MS = 100;
const RETRY_MOST_MS = 10_000;
/** A server may ask for a pause, but not for a stop. */
const RETRY_AFTER_MOST_MS = 60_000;
/** Bookmarks come about once a minute: after two and a half without a byte the connection is dead, whatever TCP thinks. */
const WATCH_SILENCE_MS = 150_000;
const RETRIED_STATUS = new Set([429, 500, 502, 503, 504]);

export function createClient(source: CredentialsSource, options: ClientOptions = {}): KubeClient {
  const credentials = cachedCredentials(source);
  const transport = createHttpTransport();
  const pause = options.pause ?? ((milliseconds, signal) => sleep(milliseconds, undefined, signal && { signal }));
  const limit = tokenBucket(options.perSecond ?? 500, options.burst ?? 1000, pause);
  const context: Context = { credentials, transport, limit, pause, options };
  return {
    request: (request) => requestWithRetries(context, request),
    watch: (path, options) => watch(context, path, options),
    lines: (path, options) => lines(context, path, options),
    close: transport.close,
  };
}

interface Context {
  readonly credentials: ReturnType<typeof cachedCredentials>;
  readonly transport: HttpTransport;
  readonly limit: RateLimit;
  readonly pause: Sleep;
  readonly options: ClientOptions;
}

async function requestWithRetries<T>(context: Context, request: KubeRequest): Promise<ApiAnswer<T>> {
  const attempts = request.attempts ?? ATTEMPTS;
  let fresh = false;
  for (let attempt = 1; ; attempt++) {
    await context.limit(request.signal);
    const outcome: Outcome<T> | { readonly error: unknown } = await attemptOnce<T>(context, request, fresh).catch(
      (error: unknown) => ({ error }),
    );
    request.signal?.throwIfAborted();
    const isLast = attempt >= attempts;
    if ('error' in outcome) {
      if (isLast || IS_FINAL.some((kind) => outcome.error instanceof kind)) throw outcome.error;
    } else {
      // a token that has just been replaced is refused once; the file has the new one
      fresh = outcome.answer.status === 401;
      const isPassing = RETRIED_STATUS.has(outcome.answer.status) && request.isFinal?.(outcome.answer) !== true;
      if (isLast || !(isPassing || (fresh && attempt === 1))) return outcome.answer;
    }
    const asked = 'retryAfterMs' in outcome ? outcome.retryAfterMs : undefined;
    const backoff = Math.min(RETRY_FIRST_MS * 2 ** attempt, RETRY_MOST_MS) * Math.random();
    await context.pause(asked ?? backoff, request.signal);
  }
}

interface Outcome<T> {
  readonly answer: ApiAnswer<T>;
  readonly retryAfterMs?: number;
}

/** Thrown instead of writing without the lease. */
export class NotWritable extends Error {}

/** The next attempt would fail alike. */
const IS_FINAL = [NotWritable, AnswerTooLargeError];

async function attemptOnce<T>(context: Context, request: KubeRequest, fresh: boolean): Promise<Outcome<T>> {
  const began = performance.now();
  const credentials = await context.credentials(fresh);
  const timeoutMs = request.method === 'GET' ? REQUEST_TIMEOUT_MS : writeTimeout(context);
  const { body, signal, ...rest } = request;
  const sent = body === undefined ? rest : { ...rest, body: JSON.stringify(body) };
  let status = 0;
  try {
    const answer = await context.transport.send(sent, credentials, { signal, timeoutMs });
    status = answer.status;
    return { answer: toAnswer<T>(status, answer.text), ...retryAfter(answer.headers) };
  } finally {
    const seconds = (performance.now() - began) / 1000;
    context.options.onRequest?.({ method: request.method, status, seconds });
  }
}

/** A write must be answered while the lease is still ours: one that could land later is not sent at all. */
function writeTimeout(context: Context): number {
  const left = context.options.writableMs?.() ?? REQUEST_TIMEOUT_MS;
  if (left <= 0) throw new NotWritable('the leader election lease is not held');
  return Math.min(left, REQUEST_TIMEOUT_MS);
}

async function* watch(context: Context, path: string, { signal, as }: WatchOptions): AsyncGenerator<WatchEvent> {
  await context.limit(signal);
  const credentials = await context.credentials(false);
  const request = { method: 'GET', path, as } as const;
  const { statusCode, body } = await context.transport.open(request, credentials, {
    signal,
    silenceMs: context.options.watchSilenceMs ?? WATCH_SILENCE_MS,
  });
  if (statusCode !== 200) {
    if (statusCode === 401) await context.credentials(true);
    const answer = toAnswer(statusCode, await body.text());
    yield { type: 'ERROR', object: { code: statusCode, message: answer.ok ? '' : answer.message } };
    return;
  }
  for await (const line of readLines(body)) yield JSON.parse(line) as WatchEvent;
}

async function* lines(context: Context, path: string, { signal }: WatchOptions): AsyncGenerator<string> {
  await context.limit(signal);
  const { statusCode, body } = await context.transport.open({ method: 'GET', path }, await context.credentials(false), {
    signal,
    silenceMs: REQUEST_TIMEOUT_MS,
  });
  if (statusCode !== 200) {
    const answer = toAnswer(statusCode, await body.text());
    throw new RefusedError(path, { status: statusCode, message: answer.ok ? '' : answer.message });
  }
  yield* readLines(body);
}

function toAnswer<T>(status: number, text: string): ApiAnswer<T> {
  if (status >= 200 && status < 300) return { ok: true, status, body: JSON.parse(text) as T };
  const said = parseStatus(text);
  return { ok: false, status, reason: said.reason ?? 'Unknown', message: said.message ?? text.slice(0, 500) };
}

/** Proxies in between answer with whatever they like. */
function parseStatus(text: string): { readonly reason?: string; readonly message?: string } {
  try {
    return JSON.parse(text) as { reason?: string; message?: string };
  } catch {
    return {};
  }
}

function retryAfter(headers: IncomingHttpHeaders): { retryAfterMs?: number } {
  const seconds = Number(headers['retry-after']);
  if (!Number.isFinite(seconds) || seconds <= 0) return {};
  // jitter, or all clients that were sent away together come back together
  return { retryAfterMs: Math.min(seconds * 1000, RETRY_AFTER_MOST_MS) * (1 + Math.random() / 2) };
}
