/** One attempt to deliver one message: ask the upstream, put what it said on disk, write it to the log. */
import type { AgeLimits, Aging } from './age-limits.ts';
import { logWithheld, makeReport } from './bounce.ts';
import type { RecipientGuard, RelayConfig } from '../config/config.ts';
import { guardQueued } from './guard-queued.ts';
import { loseReport } from './lost-report.ts';
import type { Lane } from './lanes.ts';
import type { Log } from '../observe/log.ts';
import type { Content } from '../message.ts';
import type { Metrics } from '../observe/metrics.ts';
import { NO_UPSTREAM } from '../observe/tenant-labels.ts';
import { namedRecipients } from '../observe/named-recipients.ts';
import { conclude } from './outcome.ts';
import { nextBatch } from './redirected-copy.ts';
import type { SignMessage } from '../dkim/sign-message.ts';
import type { SpoolEntry } from '../spool/entries.ts';
import type { PendingRecipient, QueuedMessage, Verdict } from '../spool/record.ts';
import type { Spool } from '../spool/spool.ts';
import { isOurFault, type TransportResult } from './transport.ts';
import { deferred, replyClass } from './upstream-reply.ts';
import { spanOfDelivery } from '../tracing/message-spans.ts';
import type { SpanSender } from '../tracing/span-sender.ts';
import { traceField } from '../tracing/trace-context.ts';
import { countOutcome } from './count-outcome.ts';
import type { UsageCounter } from '../usage/counter.ts';

export interface AttemptOptions {
  readonly spool: Spool;
  readonly sign: SignMessage;
  readonly config: () => RelayConfig | undefined;
  readonly limitsOf: (mail: Aging) => AgeLimits;
  readonly metrics: Metrics;
  readonly usage: UsageCounter;
  readonly spans: SpanSender;
  readonly log: Log;
  readonly now: () => number;
  readonly random: () => number;
  /** The process is ending: what breaks now was broken by us. */
  readonly isStopped: () => boolean;
}

interface AttemptTerms {
  readonly guard: RecipientGuard | undefined;
  /** Gives the place back. */
  readonly release: () => void;
  /** Aborted where the message is not to go out any more. */
  readonly signal: AbortSignal;
}

export function createAttempts(options: AttemptOptions) {
  const { spool, sign, now, isStopped } = options;
  const record = createRecorder(options);

  /** Calls `release` when the upstream is done with the message. Resolves with the entry where it stays in the spool. */
  async function attempt(
    lane: Lane,
    entry: SpoolEntry,
    { guard, release, signal }: AttemptTerms,
  ): Promise<SpoolEntry | undefined> {
    const found = await spool.read(entry.id);
    const guarded = found && (await guardQueued(found, guard, { ...options, refuse }));
    if (found === undefined || guarded === undefined) {
      lane.breaker.abandoned();
      return undefined;
    }
    const { content } = found;
    let queued = guarded;
    const signed = await sign(queued, content);
    const refused = new Map<string, Verdict>();
    for (let recipients = queued.pending; recipients.length > 0;) {
      const start = now();
      const batch = await nextBatch(recipients, signed);
      const result = await lane.transport.deliver({ ...queued, ...batch, attempts: found.queued.attempts }, signal);
      options.metrics.deliverySeconds.observe({ upstream: lane.transport.label }, (now() - start) / 1000);
      // what broke because we wanted it to says nothing of the upstream
      if (result.kind !== 'answered' && (isStopped() || signal.aborted)) {
        lane.breaker.abandoned();
        return entry;
      }
      lane.breaker.heard(result, now());
      lane.health.heard(queued.list, result, now());
      recipients = untriedOf(recipients, result);
      const isLast = recipients.length === 0;
      if (isLast) release();
      const answers = verdictsOf(result, queued.pending);
      for (const [address, verdict] of answers) if (verdict.outcome === 'failed') refused.set(address, verdict);
      const verdicts = isLast ? new Map([...answers, ...refused]) : withoutRefusals(answers);
      if (verdicts.size === 0) continue;
      const ms = now() - start;
      const settled = await record(queued, verdicts, {
        content,
        upstream: lane.transport.label,
        ms,
        isPartial: !isLast,
        dsnPassedOn: result.kind === 'answered' && result.dsnPassedOn,
        isOurFault: isOurFault(result),
      });
      if (settled === undefined || isLast) return settled?.entry;
      ({ queued } = settled);
    }
    return undefined;
  }

  async function refuse(
    queued: QueuedMessage,
    verdicts: ReadonlyMap<string, Verdict>,
    { content, isPartial }: Pick<Circumstances, 'content' | 'isPartial'>,
  ): Promise<QueuedMessage | undefined> {
    const settled = await record(queued, verdicts, { ...WITHOUT_UPSTREAM, content, isPartial });
    return settled?.queued;
  }

  /** A message that waited too long without an attempt: notices and expiry do not wait for an upstream. */
  async function settleOverdue(id: string, reason: string): Promise<SpoolEntry | undefined> {
    const found = await spool.read(id);
    if (found === undefined) return undefined;
    const verdicts = new Map(found.queued.pending.map((one) => [one.address, one.last ?? deferred('4.4.1', reason)]));
    const settled = await record(found.queued, verdicts, {
      ...WITHOUT_UPSTREAM,
      content: found.content,
      isPartial: false,
    });
    return settled?.entry;
  }

  return { attempt, settleOverdue };
}

interface Circumstances {
  readonly content: Content;
  readonly upstream: string;
  readonly ms: number;
  /** More transactions of this attempt follow. */
  readonly isPartial: boolean;
  readonly dsnPassedOn: boolean;
  /** Something here is broken, and people have to mend it. */
  readonly isOurFault: boolean;
}

/** For a verdict that is reached here, without asking an upstream. */
const WITHOUT_UPSTREAM = { upstream: NO_UPSTREAM, ms: 0, dsnPassedOn: false, isOurFault: false } as const;

/** Puts the outcome on disk before anything else happens, so that no crash sends again to those who have it. */
function createRecorder({ spool, config, limitsOf, metrics, usage, spans, log, now, random }: AttemptOptions) {
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
  { log, metrics }: Pick<AttemptOptions, 'log' | 'metrics'>,
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

/** Who needs a further transaction of the same attempt. */
function untriedOf(recipients: readonly PendingRecipient[], result: TransportResult): readonly PendingRecipient[] {
  return result.kind === 'answered' ? recipients.filter(({ address }) => !result.verdicts.has(address)) : [];
}

/** They are written down at the end of the attempt, for one report of them all; after a crash they come again. */
function withoutRefusals(answers: ReadonlyMap<string, Verdict>): ReadonlyMap<string, Verdict> {
  return new Map([...answers].filter(([, { outcome }]) => outcome !== 'failed'));
}

/** A connection that broke speaks for everybody who still waits: the transactions to follow would meet the same. */
function verdictsOf(result: TransportResult, pending: readonly PendingRecipient[]): ReadonlyMap<string, Verdict> {
  if (result.kind === 'answered') return result.verdicts;
  const verdict =
    result.kind === 'unreadable' ? deferred('4.3.0', 'content could not be read from the spool') : result.verdict;
  return new Map(pending.map(({ address }) => [address, verdict]));
}
