/**
 * Waits for the API server's first answer: it may well start after the operator, or be away for a while, which is no
 * reason to end, but worth a line.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../relay/observe/log.ts';
import { messageOf } from '../errors.ts';
import { RefusedError } from './client/answers.ts';

const RETRY_FIRST_MS = 1000;
const RETRY_MOST_MS = 5000;
/** Some 20 seconds. */
const DENIALS_MAX = 5;

const IN_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
  ETIMEDOUT: 'it did not answer in time',
  EHOSTUNREACH: 'there is no way to its host',
  ENETUNREACH: 'there is no way to its network',
  ENOTFOUND: 'its name has no address',
  EAI_AGAIN: 'its name could not be looked up',
  UND_ERR_SOCKET: 'it closed the connection',
  UND_ERR_CONNECT_TIMEOUT: 'it did not answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'it did not answer in time',
};

export interface FirstAnswerOptions {
  readonly server: string;
  readonly log: Log;
  /** Ends the waiting: the promise rejects. */
  readonly signal: AbortSignal;
}

/** Does the work again while the API server does not answer, or refuses for now. Any other failure is the caller's. */
export async function onceAnswered<T>(work: () => Promise<T>, { server, log, signal }: FirstAnswerOptions): Promise<T> {
  let denials = 0;
  for (let pause = RETRY_FIRST_MS; ; pause = Math.min(pause * 2, RETRY_MOST_MS)) {
    try {
      return await work();
    } catch (error) {
      if (isDenial(error) && ++denials > DENIALS_MAX) throw error;
      const trouble = whyNoAnswer(error);
      if (trouble === undefined) throw error;
      const words = `the API server ${server} ${trouble}; trying again in ${pause / 1000} s`;
      log.warn({ event: 'api-server', server }, words);
    }
    await sleep(pause, undefined, { signal });
  }
}

/** `cannot be reached: ...`, for trouble that may pass. Undefined for any other. */
export function whyNoAnswer(error: unknown): string | undefined {
  if (error instanceof RefusedError) {
    const isPassing = isDenial(error) || error.status === 429 || error.status >= 500;
    return isPassing ? `refuses: ${error.message}` : undefined;
  }
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'TimeoutError') return 'cannot be reached: it did not answer in time';
  const code = 'code' in error ? String(error.code) : '';
  const words = IN_WORDS[code];
  return words === undefined ? undefined : `cannot be reached: ${words} (${code}${atAddress(messageOf(error))})`;
}

/** One that has just started knows nobody until it has read its roles; else somebody has to give us rights first. */
function isDenial(error: unknown): boolean {
  return error instanceof RefusedError && (error.status === 401 || error.status === 403);
}

/** `, 127.0.0.1:6443`, of `connect ECONNREFUSED 127.0.0.1:6443`: not always what one would think the name stands for. */
function atAddress(message: string): string {
  const address = /^connect \w+ (\S+)$/.exec(message)?.[1];
  return address === undefined ? '' : `, ${address}`;
}
