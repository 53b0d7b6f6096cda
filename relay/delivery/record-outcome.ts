/** What came of an attempt, written down: on disk first, then in counts, the log and the trace. */
import type { AgeLimits, Aging } from './age-limits.ts';
import { logWithheld, makeReport } from './bounce.ts';
import type { RelayConfig } from '../config/config.ts';
import { countOutcome } from './count-outcome.ts';
import { loseReport } from './lost-report.ts';
import type { Content } from '../message.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { namedRecipients } from '../observe/named-recipients.ts';
import { conclude } from './outcome.ts';
import type { PendingRecipient, QueuedMessage, Verdict } from '../spool/record.ts';
import type { Spool } from '../spool/spool.ts';
import { spanOfDelivery } from '../tracing/message-spans.ts';
import type { SpanSender } from '../tracing/span-sender.ts';
import { traceField } from '../tracing/trace-context.ts';
import { replyClass } from './upstream-reply.ts';
import type { UsageCounter } from '../usage/counter.ts';

export interface RecorderOptions {
  readonly spool: Spool;
  readonly config: () => RelayConfig | undefined;
  readonly limitsOf: (mail: Aging) => AgeLimits;
  readonly metrics: Metrics;
  readonly usage: UsageCounter;
  readonly spans: SpanSender;
  readonly log: Log;
  readonly now: () => number;
  readonly random: () => number;
}

export interface Circumstances {
  readonly content: Content;
  readonly upstream: string;
  readonly ms: number;
  /** More transactions of this attempt follow. */
  readonly isPartial: boolean;
  readonly dsnPassedOn: boolean;
  /** Something here is broken, and people have to mend it. */
  readonly isOurFault: boolean;
}

/** Puts the outcome on disk before anything else happens, so that no crash sends again to those who have it. */
export function createRecorder(options: RecorderOptions) {
  const { spool, config, limitsOf, metrics, usage, spans, log, now, random } = options;
  return async (queued: QueuedMessage, verdicts: ReadonlyMap<string, Verdict>, circumstances: Circumstances) => {
    const settings = config();
    const { maxAgeSeconds, delayNoticeAfterSeconds } = limitsOf({ list: queued.list, received: queued.receivedMs });
    const retry = {
      firstSeconds: settings?.class.delivery.retryFirstSeconds ?? 60,
      mostSeconds: settings?.class.delivery.retryMostSeconds ?? 3600,
    };
    const { isPartial, dsnPassedOn, content } = circumstances;
    const time = now();
    const outcome = conclude(queued, verdicts, {
      now: time,
      random,
      retry,
      maxAgeSeconds,
      delayNoticeAfterSeconds,
      dsnPassedOn,
      isPartial,
    });
    const hostname = settings?.class.hostname ?? 'localhost';
    const from = settings?.lists.get(queued.list)?.delivery.reportsFrom ?? '';
    const reports = await Promise.all(
      outcome.reports.map((report, i) =>
        makeReport(queued, report, { hostname, from, now: time, content, number: queued.reports + i }),
      ),
    );
    for (const recipient of lostReports(queued, outcome.judged)) {
      await loseReport(queued, recipient, circumstances, { spool, metrics, log });
    }
    const entry = await spool.settle(queued.id, { next: outcome.next, reports });
    for (const { kind } of outcome.reports) metrics.bounces.inc({ kind });
    countOutcome(usage, settings, queued, outcome.judged);
    logOutcome(queued, outcome.judged, circumstances, { log, metrics });
    const { upstream, ms } = circumstances;
    spanOfDelivery(spans, queued, [...verdicts.values()], { upstream, attempt: queued.attempts + 1, ms });
    logWithheld(queued, outcome.withheld, log);
    return outcome.next === undefined || entry === undefined ? undefined : { queued: outcome.next, entry };
  };
}

/** Recipients of a report that will never get it. */
function lostReports({ reportOn }: QueuedMessage, judged: readonly PendingRecipient[]): readonly PendingRecipient[] {
  return reportOn === undefined ? [] : judged.filter(({ last }) => last?.outcome === 'failed');
}

/** Somebody may want to look at what did not get through yet. */
const LEVEL = { delivered: 'info', deferred: 'warn', failed: 'warn' } as const;
const MESSAGE = { delivered: 'delivered', deferred: 'deferred', failed: 'bounced' } as const;

/** One line for each kind of answer: who got it, who waits, who never will. */
function logOutcome(
  { id, list, user, envelope, attempts, trace }: QueuedMessage,
  judged: readonly PendingRecipient[],
  { upstream, ms, isOurFault }: Circumstances,
  { log, metrics }: Pick<RecorderOptions, 'log' | 'metrics'>,
): void {
  for (const outcome of ['delivered', 'deferred', 'failed'] as const) {
    const recipients = judged.filter(({ last }) => last?.outcome === outcome);
    const last = recipients[0]?.last;
    if (last === undefined) continue;
    metrics.deliveries.inc({ upstream, result: MESSAGE[outcome] }, recipients.length);
    metrics.upstreamReplies.inc({ upstream, class: replyClass(last) }, recipients.length);
    log[isOurFault ? 'error' : LEVEL[outcome]](
      {
        id,
        list,
        user,
        ...traceField(trace),
        upstream,
        from: envelope.from,
        ...namedRecipients(recipients),
        reply: last.text,
        status: last.enhanced,
        at: last.at,
        attempt: attempts + 1,
        ms: Math.round(ms),
      },
      MESSAGE[outcome],
    );
  }
}
