/**
 * What becomes of a message after an attempt: which recipients still wait, when to try again, and which reports its
 * sender is owed (RFC 3461 section 4.1 and 6). Pure: time and randomness are arguments.
 */
import { retryDelaySeconds, type RetrySettings } from './retry.ts';
import type { PendingRecipient, QueuedMessage, Verdict } from '../spool/record.ts';
import { failed } from './upstream-reply.ts';

export type ReportKind = 'failed' | 'delayed' | 'relayed';

export interface ReportedRecipient extends PendingRecipient {
  readonly last: Verdict;
}

export interface Outcome {
  /** The recipients that got a verdict. */
  readonly judged: readonly PendingRecipient[];
  /** The message as it stays in the spool; absent where nobody waits any more. */
  readonly next?: QueuedMessage;
  readonly reports: readonly OwedReport[];
  /** Reports that nobody gets, because the sender may be a stranger whom somebody wants to bother with them. */
  readonly withheld: readonly OwedReport[];
}

export interface OwedReport {
  readonly kind: ReportKind;
  readonly recipients: readonly ReportedRecipient[];
}

/** Before it is looked at whether there is anybody to tell, and anything. */
interface Claim {
  readonly kind: ReportKind;
  readonly recipients: readonly PendingRecipient[];
}

export interface OutcomeOptions {
  readonly now: number;
  readonly random: () => number;
  readonly retry: RetrySettings;
  readonly maxAgeSeconds: number;
  readonly delayNoticeAfterSeconds: number;
  /** The upstream took over what DSN asks for, so that reports of success are its part. */
  readonly dsnPassedOn: boolean;
  /** More transactions of the same attempt follow: it does not count yet, and nobody waits for another time. */
  readonly isPartial: boolean;
}

/** Verdicts are by address; a recipient without one was not tried and keeps waiting. */
export function conclude(
  queued: QueuedMessage,
  verdicts: ReadonlyMap<string, Verdict>,
  options: OutcomeOptions,
): Outcome {
  const age = (options.now - queued.receivedMs) / 1000;
  const all = queued.pending.map((recipient) => {
    const verdict = verdicts.get(recipient.address);
    if (verdict === undefined) return recipient;
    return { ...recipient, last: age < options.maxAgeSeconds ? verdict : expire(verdict) };
  });
  const judged = all.filter(({ address }) => verdicts.has(address));
  const waiting = all.filter(({ last }) => last === undefined || last.outcome === 'deferred');
  const isDelayed = age >= options.delayNoticeAfterSeconds && !queued.delayNoticeSent;
  const { reports, withheld } = shareOut(queued, [
    {
      kind: 'failed',
      recipients: judged.filter((one) => one.last?.outcome === 'failed' && wants(one, 'FAILURE')),
    },
    {
      kind: 'delayed',
      recipients: isDelayed && !options.isPartial ? waiting.filter((one) => wants(one, 'DELAY')) : [],
    },
    relayed(judged, options.dsnPassedOn),
  ]);
  if (waiting.length === 0) return { judged, reports, withheld };
  const attempts = queued.attempts + (options.isPartial ? 0 : 1);
  return {
    judged,
    reports,
    withheld,
    next: {
      ...queued,
      pending: waiting,
      attempts,
      due: options.isPartial ? queued.due : dueTime(queued, attempts, options),
      delayNoticeSent: queued.delayNoticeSent || (isDelayed && !options.isPartial),
      reports: queued.reports + reports.length,
    },
  };
}

/** RFC 3461 section 5.2.2: where the upstream does not know DSN, it is up to us to say that a message went there. */
export function relayed(judged: readonly PendingRecipient[], dsnPassedOn: boolean): Claim {
  return { kind: 'relayed', recipients: dsnPassedOn ? [] : judged.filter(wantsSuccess) };
}

export function shareOut(
  { envelope, reportOn, unverifiedSender }: Pick<QueuedMessage, 'envelope' | 'reportOn' | 'unverifiedSender'>,
  claims: readonly Claim[],
): Pick<Outcome, 'reports' | 'withheld'> {
  const owed = claims
    .map(({ kind, recipients }) => ({ kind, recipients: recipients.filter(isJudged) }))
    // RFC 5321 section 6.1: a report about a report could go in circles
    .filter(({ recipients }) => recipients.length > 0 && envelope.from !== '' && reportOn === undefined);
  return unverifiedSender === true ? { reports: [], withheld: owed } : { reports: owed, withheld: [] };
}

/** An attempt falls on the time of the delay notice and on the end of the message's life, so that neither is late. */
function dueTime(queued: QueuedMessage, attempts: number, options: OutcomeOptions): number {
  const next = options.now + retryDelaySeconds(attempts, options.retry, options.random) * 1000;
  const ages = [options.maxAgeSeconds, options.delayNoticeAfterSeconds];
  const times = ages.map((seconds) => queued.receivedMs + seconds * 1000).filter((time) => time > options.now);
  return Math.min(next, ...times);
}

function expire(verdict: Verdict): Verdict {
  return verdict.outcome === 'deferred' ? failed('4.4.7', `delivery time expired; last: ${verdict.text}`) : verdict;
}

/** Without NOTIFY the usual is reported: failures and delays (RFC 3461 section 4.1). */
function wants({ notify }: PendingRecipient, what: 'FAILURE' | 'DELAY'): boolean {
  return notify === undefined || notify.includes(what);
}

function wantsSuccess({ notify = [], last }: PendingRecipient): boolean {
  return last?.outcome === 'delivered' && notify.includes('SUCCESS');
}

function isJudged(recipient: PendingRecipient): recipient is ReportedRecipient {
  return recipient.last !== undefined;
}
