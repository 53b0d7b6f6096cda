/**
 * The relays: given their configuration, document by document, and asked what they run, what they have counted and what
 * is wrong.
 */
import { markAwaiting, markClass, markEntry, markPlan, markRelays, type Planner } from '../../core/planner-state.ts';
import { takeChangedShards } from '../../core/relay-config.ts';
import type { Sources } from '../../core/sources.ts';
import { shardFileName, type ClassDocument } from '../../../relay/config/config.ts';
import { createRelayReports } from '../../relays/reports.ts';
import type { Caches } from '../cache/caches.ts';
import type { KubeClient } from '../client/client.ts';
import type { EventAbout } from '../client/events.ts';
import type { WorkQueueOptions } from '../client/queue.ts';
import type { ControllerOptions } from '../controller-types.ts';
import { startFleets } from './fleets.ts';
import type { Planning } from '../planning.ts';
import { createFleetSizes } from './fleet-sizes.ts';
import { askForConsole, createPodAsker, type ConsoleAnswer } from './pod-answers.ts';
import { allDocuments, documentText, sizeChange } from './relay-documents.ts';
import { startRelayPods } from './relay-pods.ts';
import { startRollout, type Rollout } from './rollout.ts';
import { createServed } from './served.ts';
import { startStranded, type Stranded } from '../stranded/stranded.ts';
import { startUsagePoll } from './usage.ts';
import { startConfigSecrets } from '../write/configuration.ts';
import { startTokenSecrets } from '../write/token-secrets.ts';

export interface Relays
  extends Pick<Rollout, 'hear' | 'lags' | 'written' | 'certificatesOf' | 'isIdle' | 'close'>, Pick<Stranded, 'doubt'> {
  readonly synced: Promise<unknown>;
  readonly hasSynced: () => boolean;
  /** What the planner is told of them. */
  readonly sources: Pick<Sources, 'programmed' | 'relays' | 'upstream' | 'usage'>;
  /** Offers what the planner has changed since the last offer. */
  readonly offerChanges: (planner: Planner) => void;
  /** Offers everything, as after a plan of everything. */
  readonly offerAll: (planner: Planner) => void;
  /**
   * From now on, asks what they have counted, keeps the Secrets with what opens their pages, and looks after mail of relays
   * that are gone.
   */
  readonly start: () => void;
  /** What each of them says of itself now, ready or not. */
  readonly ask: () => Promise<readonly ConsoleAnswer[]>;
}

export interface RelaysOptions extends Pick<
  ControllerOptions,
  | 'namespace'
  | 'installation'
  | 'configPrefixOf'
  | 'pageTokens'
  | 'drainSpools'
  | 'metrics'
  | 'onTrouble'
  | 'unservedMs'
  | 'tellMs'
  | 'usageMs'
  | 'fleetHoldMs'
> {
  readonly record: (event: EventAbout) => void;
  readonly planning: Planning;
  readonly objects: Caches['objects'];
  /** How many objects wait to be written. */
  readonly backlog: () => number;
  readonly onDone: NonNullable<WorkQueueOptions['onDone']>;
  readonly signal: AbortSignal;
}

export function startRelays(client: KubeClient, options: RelaysOptions): Relays {
  const { planning, namespace, pageTokens, metrics, onDone, onTrouble, signal } = options;
  const { mark } = planning;
  const ownNamespace = { namespace, onTrouble, signal };

  const configSecrets = startConfigSecrets(client, {
    ...ownNamespace,
    prefixOf: options.configPrefixOf,
    onChange: (secret) => rollout.repair(secret),
  });
  const pods = startRelayPods(client, {
    ...ownNamespace,
    onChange: (className) => {
      sizes.look(className);
      rollout.lookAtPods(className);
      stranded.lookAt(className);
    },
    onEnd: (className, relay, left) => stranded.ended(className, relay, left),
  });
  const sizes = createFleetSizes({
    ready: (className) => pods.ofClass(className).filter(({ isReady }) => isReady).length,
    // a replica that does not lead writes nothing; the first documents of one that does have the number of that time
    onChange: (className) => planning.planner() && rollout.offer(sizeChange(className)),
    holdMs: options.fleetHoldMs,
  });
  const fleets = startFleets(client, {
    ...ownNamespace,
    onChange: (className) => {
      // relays that stay are to know at once which ones go
      if (planning.planner()?.platform.classes.has(className) === true)
        rollout.offer({ ...sizeChange(className), isUrgent: true });
      stranded.lookAt(className);
    },
  });
  const reports = createRelayReports({
    onChange: (className, was, is) => mark((to) => markRelays(to, className, was, is)),
    tellMs: options.tellMs,
  });
  const rollout = startRollout({
    secrets: configSecrets,
    pods,
    reports,
    askPods: createPodAsker(pageTokens.ofClass),
    read: (document) => {
      const planner = planning.planner();
      const { className } = document;
      return (
        planner && documentText(planner, document, { count: sizes.of(className), handover: handoverOf(className) })
      );
    },
    backlog: options.backlog,
    onProgress: (className, entries) => mark((to) => markAwaiting(to, className, entries)),
    onRoom: (className, entry) => mark((to) => markEntry(to, className, entry)),
    onServed: (className) => mark((to) => markClass(to, className)),
    onWritten: (seconds) => {
      metrics.writes.inc({ what: 'document' });
      metrics.changeSeconds.observe(seconds);
    },
    onDone,
    unservedMs: options.unservedMs,
  });
  const usage = startUsagePoll({
    pods,
    tokenOf: pageTokens.ofClass,
    served: createServed({
      planner: planning.planner,
      exists: (kind, key) => options.objects[kind].get(key) !== undefined,
    }),
    onChange: (objects) => mark((to) => objects.forEach((object) => markPlan(to, object))),
    ...options.usageMs,
  });
  const tokenSecrets = startTokenSecrets(client, { ...ownNamespace, secrets: pageTokens.secrets, onDone });

  const stranded = startStranded(client, {
    ...ownNamespace,
    mode: options.drainSpools,
    classNames: () => planning.planner()?.platform.classNames ?? [],
    fleets,
    pods,
    record: options.record,
    metrics,
    onDone,
  });

  function handoverOf(className: string): ClassDocument['handover'] {
    const fleet = fleets.of(className);
    return fleet && { key: options.installation.handoverKeyOf(className), relays: fleet.relays };
  }

  function offerChanges({ relays }: Planner): void {
    for (const { className, shard, entries, takesAway } of takeChangedShards(relays.store)) {
      rollout.offer({ className, fileName: shardFileName(shard), entries, isUrgent: takesAway });
    }
  }

  return {
    synced: Promise.all([configSecrets, pods, tokenSecrets, fleets, stranded].map((part) => part.synced)),
    hasSynced: () => [configSecrets, pods, fleets, stranded].every((part) => part.hasSynced()),
    sources: { programmed: rollout.stateOf, relays: reports.of, upstream: rollout.upstreamOf, usage: usage.of },
    offerChanges,
    offerAll: (planner) => {
      for (const change of allDocuments(planner)) rollout.offer(change);
      offerChanges(planner);
    },
    start: () => {
      usage.start();
      tokenSecrets.keep();
      stranded.start();
    },
    ask: () => Promise.all(pods.all().map((pod) => askForConsole(pod, pageTokens.ofClass))),
    doubt: stranded.doubt,
    hear: rollout.hear,
    lags: rollout.lags,
    written: rollout.written,
    certificatesOf: rollout.certificatesOf,
    isIdle: rollout.isIdle,
    close: async () => {
      usage.close();
      sizes.close();
      await Promise.all([rollout.close(), tokenSecrets.close(), stranded.close()]);
    },
  };
}
