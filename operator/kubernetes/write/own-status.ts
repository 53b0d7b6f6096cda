import type { StatusPlan } from '../../core/model.ts';
import { digestOf } from '../cache/known-status.ts';
import type { Caches } from '../cache/caches.ts';
import type { KnownObject } from '../cache/views.ts';
import type { KubeObject } from '../client/resources.ts';

export interface OwnStatus {
  /** Lets the caches take in what has become of a status that we have written. */
  readonly take: (caches: Caches, plan: StatusPlan, written: KubeObject) => void;
  /** Whether what the caches tell just now is that, and as it was planned: then nobody has to look at it. */
  readonly isTold: (object: KnownObject | undefined) => boolean;
}

export function createOwnStatus(): OwnStatus {
  let digest: string | undefined;
  return {
    take: ({ objects }, { kind, status }, written) => {
      digest = digestOf(status);
      objects[kind].observe(written);
      digest = undefined;
    },
    isTold: (object) => digest !== undefined && object?.status?.digest === digest,
  };
}
