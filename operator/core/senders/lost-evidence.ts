/**
 * Senders about which nothing is known although they were proven, as far as one can tell from their age and their
 * status. A status proves nothing: all that comes of it is that mail which would otherwise be refused has to wait for a
 * while.
 */
import { z } from 'zod';
import { previousConditions } from '../conditions.ts';
import type { RawObject } from '../model.ts';
import { after, parseTime } from '../time.ts';

/** However many wait for their turn. Later, an object without evidence is one whose evidence is lost. */
const LOOKED_AT_WITHIN_SECONDS = 600;

const statusWithMethod = z.object({ method: z.string() });

/** From when on an object of which nothing is known is one whose evidence is lost. */
export function missedFrom({ creationTimestamp }: RawObject['meta']): Date {
  return after(parseTime(creationTimestamp) ?? new Date(0), LOOKED_AT_WITHIN_SECONDS);
}

/** @param method by which it can be proven */
export function wasProven(object: RawObject, method: 'DnsProof' | 'EmailProof', now: Date): boolean {
  if (missedFrom(object.meta) > now) return false;
  const said = previousConditions(object).get('Verified');
  // it may have been about another address or domain
  if (said?.observedGeneration !== object.meta.generation) return false;
  // until what is found next is kept
  if (said?.reason === 'EvidenceLost') return true;
  return said?.status === 'True' && statusWithMethod.safeParse(object.status).data?.method === method;
}
