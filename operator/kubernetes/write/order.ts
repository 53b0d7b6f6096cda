/** Which writes go before others, and which had better wait a little. */
import { keyOf } from '../../core/model.ts';
import type { Caches } from '../cache/caches.ts';
import type { Urgency, WorkQueue } from '../client/queue.ts';
import type { ObjectWork, WorkKey } from './object.ts';

type Known = Pick<Caches, 'objects' | 'secrets'>;

/** How long the count in a list's status is put off for each object that waits to be written. */
const PER_OBJECT_MS = 2;
const MOST_MS = 5000;

/** Conditions that grant something while they are true. */
const GRANTS: ReadonlySet<string> = new Set(['Accepted', 'Active', 'Verified']);

export function enqueueWork(queue: WorkQueue, key: WorkKey, work: ObjectWork, known: Known): void {
  const pauseMs = pauseBefore(work, known, queue.depth());
  if (pauseMs > 0) queue.addAfter(key, pauseMs);
  else queue.add(key, urgencyOf(work, known));
}

/** Urgent: whatever takes something away from somebody, or reports that it was taken. */
export function urgencyOf(work: ObjectWork, { objects, secrets }: Known): Urgency {
  // its user is gone, or has its credentials elsewhere
  if (work.kind === 'Secret') return { isUrgent: true };
  const { meta, status } = work.plan;
  const held = objects[work.kind].get(keyOf(meta))?.status?.conditions.filter(isGrant) ?? [];
  const granted = new Set(status.conditions?.filter(isGrant).map(({ type }) => type));
  if (held.some(({ type }) => !granted.has(type))) return { isUrgent: true };
  if (work.kind !== 'SmtpPlusUser' || work.plan.secret === undefined) return {};
  // the relays are told of another password, which ends the one before, only once it is in the Secret
  const password = secrets.get(keyOf(work.plan.secret))?.view.data['password'];
  return { isUrgent: password !== undefined && password !== work.plan.secret.data['password'] };
}

function isGrant({ type, status }: { readonly type: string; readonly status: string }): boolean {
  return GRANTS.has(type) && status === 'True';
}

/**
 * How many milliseconds a write waits. While many users are written, the count of their list would be out of date as soon as it
 * is written; a status for a new generation of the list does not wait.
 */
function pauseBefore(work: ObjectWork, { objects }: Pick<Known, 'objects'>, waiting: number): number {
  if (work.kind !== 'SmtpPlusList') return 0;
  const { meta } = work.plan;
  const status = objects.SmtpPlusList.get(keyOf(meta))?.status;
  const isKnown = status?.conditions[0]?.observedGeneration === meta.generation;
  return isKnown ? Math.min(waiting * PER_OBJECT_MS, MOST_MS) : 0;
}
