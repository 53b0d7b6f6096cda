/** One request and its whole answer. A handler that collects the answer costs half as much as a stream. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

export interface Exchanged {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** The largest answer that we read: in memory it is several times as much, and lists can be asked for in smaller pages. */
export const BODY_MAX = 16 * 1024 * 1024;

export class AnswerTooLargeError extends Error {
  constructor() {
    super(`answer of more than ${BODY_MAX} bytes`);
  }
}

interface ExchangeOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs: number;
}

export function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  { signal, timeoutMs }: ExchangeOptions,
): Promise<Exchanged> {
  const { promise, resolve, reject } = Promise.withResolvers<Exchanged>();
  const leaveBefore = performance.now() + timeoutMs;
  let controller: Dispatcher.DispatchController | undefined;
  let head: Omit<Exchanged, 'text'> = { status: 0, headers: {} };
  const chunks: Buffer[] = [];
  let size = 0;

  const giveUp = (reason: Error): void => {
    controller?.abort(reason);
    end();
    reject(reason);
  };
  const onTimeout = (): void =>
    giveUp(new DOMException(`no answer within ${Math.round(timeoutMs)} ms`, 'TimeoutError'));
  const onAbort = (): void => giveUp(signal?.reason as Error);
  const timer = setTimeout(onTimeout, timeoutMs);
  signal?.addEventListener('abort', onAbort);
  let isOver = false;
  const end = (): void => {
    isOver = true;
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  };

  if (signal?.aborted === true) onAbort();
  else
    dispatcher.dispatch(request, {
      // called when the connection stands, just before the first byte is written
      onRequestStart: (given) => {
        controller = given;
        // a process that was stopped while it waited for a connection goes on here, before any timer has fired
        if (isOver || performance.now() >= leaveBefore) given.abort(new Error('too late to be sent'));
      },
      onResponseStart: (_, status, headers) => {
        head = { status, headers };
      },
      onResponseData: (given, chunk) => {
        size += chunk.length;
        if (size > BODY_MAX) given.abort(new AnswerTooLargeError());
        else chunks.push(chunk);
      },
      onResponseEnd: () => {
        end();
        const whole = { ...head, text: Buffer.concat(chunks).toString() };
        // after the turn in which the pool takes the connection back, so that the next request need not open another
        queueMicrotask(() => setImmediate(resolve, whole));
      },
      onResponseError: (_, error) => {
        end();
        reject(error);
      },
    });
  return promise;
}
