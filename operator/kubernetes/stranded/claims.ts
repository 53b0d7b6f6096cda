/** The claims to volumes with spools, and what is noted on them about their mail. */
import { bodyOf } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { startClassReflector } from '../relays/class-reflector.ts';
import { CLAIMS, pathOf, type KubeObject } from '../client/resources.ts';
import { CLASS_LABEL } from '../relays/relay-pods.ts';
import type { SpoolClaim } from './judge.ts';

/** How many messages were in the spool when its relay ended. */
const MESSAGES_ANNOTATION = 'smtpplus.io/spool-messages';
/** `true`: the platform owner wants the spool emptied. */
export const DRAIN_ANNOTATION = 'smtpplus.io/drain';

export interface SpoolClaims {
  readonly synced: Promise<void>;
  readonly hasSynced: () => boolean;
  readonly ofClass: (className: string) => readonly SpoolClaim[];
  /** Notes how many messages there are; undefined: nobody knows any more. */
  readonly note: (claim: SpoolClaim, messages: number | undefined) => Promise<void>;
}

export interface SpoolClaimsOptions {
  readonly namespace: string;
  readonly onChange: (className: string) => void;
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
}

export function startSpoolClaims(client: KubeClient, options: SpoolClaimsOptions): SpoolClaims {
  const { namespace } = options;
  const reflector = startClassReflector<SpoolClaim>(client, {
    ...options,
    resource: CLAIMS,
    // a StatefulSet gives its claims what its selector has
    labelSelector: CLASS_LABEL,
    keep: viewClaim,
  });
  return {
    synced: reflector.synced,
    hasSynced: reflector.hasSynced,
    ofClass: reflector.ofClass,
    note: async ({ name, uid, messages: noted }, messages) => {
      if (noted === messages) return;
      const answer = await client.request<KubeObject>({
        method: 'PATCH',
        path: pathOf(CLAIMS, { namespace, name }),
        contentType: 'application/merge-patch+json',
        body: {
          metadata: { uid, annotations: { [MESSAGES_ANNOTATION]: messages === undefined ? null : `${messages}` } },
        },
      });
      if (!answer.ok && answer.status === 404) return;
      reflector.observe(bodyOf(answer, `how much mail is on the volume of ${namespace}/${name} cannot be noted`));
    },
  };
}

/** Undefined: somebody has no more use for the volume, which is being deleted, nor for what is on it. */
function viewClaim({ metadata }: KubeObject): SpoolClaim | undefined {
  const { name, uid, labels = {}, annotations = {}, deletionTimestamp } = metadata;
  const className = labels[CLASS_LABEL];
  if (className === undefined || deletionTimestamp !== undefined) return undefined;
  const noted = annotations[MESSAGES_ANNOTATION] ?? '';
  return {
    className,
    name,
    uid,
    messages: /^\d{1,15}$/.test(noted) ? Number(noted) : undefined,
    isDrainWanted: annotations[DRAIN_ANNOTATION] === 'true',
  };
}
