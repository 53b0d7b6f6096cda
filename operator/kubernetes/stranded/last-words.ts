/** What a relay says at its end, in the message of its container: how many messages are left in its spool. */
import { z } from 'zod';
import { parseJson } from '../../api/plain-data.ts';
import type { KubeObject } from '../client/resources.ts';

interface PodWithStates extends KubeObject {
  readonly status?: {
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly state?: { readonly terminated?: { readonly message?: string } };
    }[];
  };
}

const wordsSchema = z.object({ queued: z.number().int().min(0) });

/** Undefined: it still runs, or said nothing, as one that was killed. */
export function lastWordsOf(object: KubeObject): number | undefined {
  const { status } = object as PodWithStates;
  for (const { state } of status?.containerStatuses ?? []) {
    const words = wordsSchema.safeParse(parseJson(state?.terminated?.message ?? ''));
    if (words.success) return words.data.queued;
  }
  return undefined;
}
