/**
 * What is watched on the cluster: objects, Secrets and the labels of namespaces. A change marks what is to be planned
 * again.
 */
import type { Kind } from '../core/model.ts';
import { markNamespace } from '../core/planner-state.ts';
import { startCaches, type Caches } from './cache/caches.ts';
import { createFollowedSecrets, type FollowedSecrets } from './cache/followed-secrets.ts';
import type { KnownObject } from './cache/views.ts';
import type { KubeClient } from './client/client.ts';
import type { ControllerOptions } from './controller-types.ts';
import { createSecretLookUps, type SecretLookUps } from './secret-look-ups.ts';
import type { Planning } from './planning.ts';
import { createContested, type Contested } from './write/contested.ts';
import { contestedStatus, createOwnStatus, type OwnStatus } from './write/status.ts';

export interface Watched {
  readonly caches: Caches;
  readonly followed: FollowedSecrets;
  readonly lookUps: SecretLookUps;
  /** Which changes of statuses are our own writes. */
  readonly ownStatus: OwnStatus;
  /** Which statuses somebody else replaces each time. */
  readonly contested: Contested;
}

export interface WatchedOptions extends Pick<
  ControllerOptions,
  'installation' | 'watchNamespaces' | 'namespaceLimits' | 'metrics' | 'onTrouble'
> {
  readonly planning: Planning;
  readonly signal: AbortSignal;
}

export function startWatching(client: KubeClient, options: WatchedOptions): Watched {
  const { planning, installation, metrics, onTrouble, signal } = options;
  const ownStatus = createOwnStatus();
  const contested = createContested((object) => onTrouble(contestedStatus(object)));

  const lookUps = createSecretLookUps({
    objects: () => caches.objects,
    followed: () => followed,
    namespaceLimits: options.namespaceLimits,
    mark: planning.mark,
    onTrouble,
  });

  const caches = startCaches(client, {
    watchNamespaces: options.watchNamespaces,
    onObject: (kind, key, after, before) => {
      noteStatus(kind, key, before, after);
      if (!ownStatus.isTold(after)) lookUps.onObject(kind, key, after);
    },
    onNamespace: (name) => planning.mark((to) => markNamespace(to, name)),
    onSecret: lookUps.onSecret,
    onTrouble,
    onRelist: (kind) => metrics.relists.inc({ kind }),
    signal,
  });

  const followed = createFollowedSecrets(caches.secrets, installation.saltFor);

  /** Only for the leader: to other replicas, somebody else writes every status. */
  function noteStatus(kind: Kind, key: string, before?: KnownObject, after?: KnownObject): void {
    if (after === undefined) return contested.forget(`${kind} ${key}`);
    if (planning.planner() === undefined || ownStatus.isTaken() || before?.meta.uid !== after.meta.uid) return;
    const digest = after.status?.digest;
    if (before.status?.digest !== digest) contested.onTold(`${kind} ${key}`, digest);
  }

  return { caches, followed, lookUps, ownStatus, contested };
}
