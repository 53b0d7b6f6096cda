/** Events: what a person should notice, once, at the moment it happens. */
import { previousConditions, type Judgement, type Subject } from './conditions.ts';
import type { PlannedEvent } from './model.ts';
import { isNews } from './reasons.ts';

/** True, and still something that a person has to act on. */
const WORRYING: ReadonlySet<string> = new Set([
  'RecordNotFound',
  'RecordMismatch',
  'VouchingWithdrawn',
  'NextKeysAwaited',
  'ClassFloor',
  'ListCeiling',
  'NotTheDefault',
  'ExpiresSoon',
  'Unused',
  'QuotaNearlyUsed',
]);

/**
 * An Event when `Ready` changes, one for each condition that is true and still something to worry about, and one when a sender
 * that stays verified is so for another reason: its record is back, say. And one when mail comes to be signed, or waits for
 * somebody to publish keys, and when external-dns comes to be asked to publish records, or cannot be.
 */
export function eventsOf(subject: Subject, judgements: readonly Judgement[]): PlannedEvent[] {
  const before = previousConditions(subject);
  const isTold = ({ type, status, reason }: Judgement): boolean => {
    if (type === 'Ready') return isNews(reason);
    // what is no worse than before is not news
    if (type === 'Aligned') return status !== 'Unknown' && (status === 'False' || before.has(type));
    if (type === 'Signing') return status === 'True' || reason === 'KeyRecordsNotFound';
    if (type === 'Published') return reason !== 'EndpointAwaited' && reason !== 'NothingToPublish';
    if (status !== 'True') return false;
    return WORRYING.has(reason) || (type === 'Verified' && before.get(type)?.status === 'True');
  };
  return judgements
    .filter(isTold)
    .filter(({ type, status, reason }) => before.get(type)?.status !== status || before.get(type)?.reason !== reason)
    .map((judgement) => event(subject, isGood(judgement) ? 'Normal' : 'Warning', judgement));
}

function isGood({ type, status, reason }: Judgement): boolean {
  return status !== 'False' && (type === 'Ready' || !WORRYING.has(reason));
}

export function event(
  { kind, meta }: Subject,
  type: PlannedEvent['type'],
  { reason, message }: { readonly reason: string; readonly message: string },
): PlannedEvent {
  return { kind, meta, type, reason, message };
}
