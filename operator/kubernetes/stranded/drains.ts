/** The pods that empty spools without a relay. */
import { bodyOf } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { startClassReflector } from '../relays/class-reflector.ts';
import { pathOf, PODS, type KubeObject } from '../client/resources.ts';
import type { Fleet } from '../relays/fleets.ts';
import { DRAIN_LABEL, drainPod } from './drain-pod.ts';
import { lastWordsOf } from './last-words.ts';

export interface Drain {
  readonly className: string;
  /** Name of the pod, and of the relay whose spool it empties. */
  readonly relay: string;
  /** UID of the pod: a relay that has come back since has the same name. */
  readonly uid: string;
  readonly hasEnded: boolean;
  /** It is being deleted. */
  readonly isGoing: boolean;
  /** Messages that it left; undefined: it did not say. */
  readonly left: number | undefined;
}

export interface Drains {
  readonly synced: Promise<void>;
  readonly hasSynced: () => boolean;
  readonly ofClass: (className: string) => readonly Drain[];
  readonly start: (fleet: Fleet, drained: { readonly relay: string; readonly claim: string }) => Promise<void>;
  readonly remove: (drain: Drain) => Promise<void>;
}

export interface DrainsOptions {
  readonly namespace: string;
  readonly onChange: (className: string) => void;
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
}

export function startDrains(client: KubeClient, options: DrainsOptions): Drains {
  const { namespace } = options;
  const reflector = startClassReflector<Drain>(client, {
    ...options,
    resource: PODS,
    labelSelector: DRAIN_LABEL,
    keep: viewDrain,
  });
  return {
    synced: reflector.synced,
    hasSynced: reflector.hasSynced,
    ofClass: reflector.ofClass,
    start: async (fleet, { relay, claim }) => {
      const body = drainPod(fleet, { namespace, relay, claim });
      const answer = await client.request<KubeObject>({ method: 'POST', path: pathOf(PODS, { namespace }), body });
      // the relay's own pod, or the last one of ours, is there still or again: the next look will tell
      if (!answer.ok && answer.status === 409) return;
      reflector.observe(bodyOf(answer, `pod ${namespace}/${relay}, which is to empty the spool, cannot be made`));
    },
    remove: async ({ relay, uid }) => {
      const path = pathOf(PODS, { namespace, name: relay });
      const answer = await client.request({ method: 'DELETE', path, body: { preconditions: { uid } } });
      // it is gone, and the pod of that name is another one
      if (!answer.ok && ![404, 409].includes(answer.status))
        bodyOf(answer, `pod ${namespace}/${relay} cannot be deleted`);
    },
  };
}

interface PodPhase extends KubeObject {
  readonly status?: { readonly phase?: string };
}

function viewDrain(object: KubeObject): Drain {
  const { metadata, status } = object as PodPhase;
  return {
    className: metadata.labels?.[DRAIN_LABEL] ?? '',
    relay: metadata.name,
    uid: metadata.uid,
    hasEnded: ['Succeeded', 'Failed'].includes(status?.phase ?? ''),
    isGoing: metadata.deletionTimestamp !== undefined,
    left: lastWordsOf(object),
  };
}
