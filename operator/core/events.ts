/** Events: what a person should notice, once, at the moment when it becomes so. */
import { previousConditions, type Judgement, type Subject } from './conditions.ts';
import type { PlannedEvent } from './model.ts';
import { isNews } from './reasons.ts';

/** True, and still something that a person has to act on. */
const WORRYING: ReadonlySet<string> = new Set([
  'RecordNotFound',
  'RecordMismatch',
  'VouchingWithdrawn',
  'ClassFloor',
  'ListCeiling',
  'NotTheDefault',
]);
/** events.k8s.io refuses longer notes. */
const MESSAGE_MAX = 1024;

/** An Event when `Ready` changes, and one for each condition that is true and still something to worry about. */
export function eventsOf(subject: Subject, judgements: readonly Judgement[]): PlannedEvent[] {
  const before = previousConditions(subject);
  return judgements
    .filter(({ type, status, reason }) =>
      type === 'Ready' ? isNews(reason) : status === 'True' && WORRYING.has(reason),
    )
    .filter(({ type, status, reason }) => before.get(type)?.status !== status || before.get(type)?.reason !== reason)
    .map((judgement) => event(subject, isGood(judgement) ? 'Normal' : 'Warning', judgement));
}

function isGood({ type, status }: Judgement): boolean {
  return type === 'Ready' && status !== 'False';
}

export function event(
  { kind, meta }: Subject,
  type: PlannedEvent['type'],
  { reason, message }: { readonly reason: string; readonly message: string },
): PlannedEvent {
  return { kind, meta, type, reason, message: message.slice(0, MESSAGE_MAX) };
}
