/** Which writes had better wait a little. */
import { keyOf } from '../../core/model.ts';
import type { Caches } from '../cache/caches.ts';
import type { Work } from './object.ts';

/** A list's count of users waits so long for each object that waits to be written. */
const PER_OBJECT_MS = 2;
const MOST_MS = 5000;

/**
 * Milliseconds that a write is to wait. While many users are written, the count of their list would be out of date as soon
 * as it is; what tells of a new generation of an object waits for nothing.
 */
export function pauseBefore(work: Work, { objects }: Pick<Caches, 'objects'>, waiting: number): number {
  if (work.kind !== 'SmtpPlusList') return 0;
  const { meta } = work.plan;
  const status = objects.SmtpPlusList.get(keyOf(meta))?.status;
  const isKnown = status?.conditions[0]?.observedGeneration === meta.generation;
  return isKnown ? Math.min(waiting * PER_OBJECT_MS, MOST_MS) : 0;
}
