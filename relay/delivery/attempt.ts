/** One attempt to deliver one message: asks the upstream, and has what it said recorded (record-outcome.ts). */
import type { RecipientGuard } from '../config/config.ts';
import { guardQueued } from './guard-queued.ts';
import type { Lane } from './lanes.ts';
import { NO_UPSTREAM } from '../observe/tenant-labels.ts';
import { type Circumstances, createRecorder, type RecorderOptions } from './record-outcome.ts';
import { nextBatch } from './redirected-copy.ts';
import type { SignMessage } from '../dkim/sign-message.ts';
import type { SpoolEntry } from '../spool/entries.ts';
import type { PendingRecipient, QueuedMessage, Verdict } from '../spool/record.ts';
import { isOurFault, type TransportResult } from './transport.ts';
import { deferred } from './upstream-reply.ts';

export interface AttemptOptions extends RecorderOptions {
  readonly sign: SignMessage;
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

/** For a verdict that is reached here, without asking an upstream. */
const WITHOUT_UPSTREAM = { upstream: NO_UPSTREAM, ms: 0, dsnPassedOn: false, isOurFault: false } as const;

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
