/**
 * Sends spans to a collector, beside the mail and never in its way: `send` only puts a span aside, what does not fit is dropped
 * and counted, and what a collector does not take is not tried again. (The exporters of OpenTelemetry bring an SDK with contexts,
 * processors and a dozen packages for what is one request with JSON here.)
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { encodeSpans, type Span } from './otlp.ts';

export interface SpanSender {
  /** Whether somebody wants spans. */
  readonly isOn: () => boolean;
  readonly send: (span: Span) => void;
  /** Sends what is left, as far as a second is enough for it. */
  readonly close: () => Promise<void>;
}

export const noSpans: SpanSender = { isOn: () => false, send: () => undefined, close: () => Promise.resolve() };

export interface SpanSenderOptions {
  /** Base address of the collector; asked each time, so that it changes with the configuration. */
  readonly endpoint: () => string | undefined;
  /** Who sends them. */
  readonly resource: Span['attributes'];
  readonly metrics: Pick<Metrics, 'spans'>;
  readonly log: Log;
  /** How long spans are gathered for one request, and how long that may take; milliseconds. */
  readonly gatherMs?: number;
  readonly requestMs?: number;
}

/** Some 2 MB. */
const WAITING_MAX = 4096;
const BATCH_MAX = 512;
const GATHER_MS = 1000;
const REQUEST_MS = 5000;
/** Mail on its way out has most of the time that there is for a shutdown. */
const CLOSE_MS = 1000;
/** A collector that is down for hours is worth one line a minute. */
const TELL_MS = 60_000;

export function createSpanSender(options: SpanSenderOptions): SpanSender {
  const { endpoint, resource, metrics, log, gatherMs = GATHER_MS, requestMs = REQUEST_MS } = options;
  let waiting: Span[] = [];
  let timer: NodeJS.Timeout | undefined;
  let sending = Promise.resolve();
  let lastTold = -Infinity;

  function send(span: Span): void {
    if (waiting.length >= WAITING_MAX) return metrics.spans.inc({ result: 'dropped' });
    waiting.push(span);
    timer ??= setTimeout(flush, gatherMs).unref();
    return undefined;
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    // one request at a time: what comes meanwhile waits for the next
    sending = sending.then(post);
  }

  async function post(): Promise<void> {
    const base = endpoint();
    const batch = waiting.slice(0, BATCH_MAX);
    waiting = waiting.slice(BATCH_MAX);
    if (waiting.length > 0) timer ??= setTimeout(flush, 0).unref();
    if (base === undefined || batch.length === 0) return;
    const problem = await request(base, batch);
    metrics.spans.inc({ result: problem === undefined ? 'sent' : 'failed' }, batch.length);
    if (problem === undefined || performance.now() - lastTold < TELL_MS) return;
    lastTold = performance.now();
    log.warn(
      { event: 'tracing', endpoint: base, problem, spans: batch.length },
      'spans could not be sent, and are lost',
    );
  }

  async function request(base: string, batch: readonly Span[]): Promise<string | undefined> {
    try {
      const response = await fetch(`${base.replace(/\/+$/, '')}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: encodeSpans(batch, resource),
        redirect: 'error',
        signal: AbortSignal.timeout(requestMs),
      });
      await response.body?.cancel();
      return response.ok ? undefined : `HTTP ${response.status}`;
    } catch (error) {
      return problemOf(error);
    }
  }

  return {
    isOn: () => endpoint() !== undefined,
    send,
    close: async () => {
      flush();
      await Promise.race([sending, sleep(CLOSE_MS, undefined, { ref: false })]);
      clearTimeout(timer);
    },
  };
}

/** `fetch failed` alone says nothing. */
function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
