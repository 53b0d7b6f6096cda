/**
 * The operator at work, from an event to what is written because of it, which it does only once it leads:
 *
 *   an object, Secret or label changes -> its namespace is marked -> a turn of the planner -> what differs from the cluster
 *   is queued -> written; what the relays are to know of it is offered to the rollout
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClassView, DnsVerification, Kind, OtherInstallations } from '../core/model.ts';
import {
  markAwaiting,
  markClass,
  markEntry,
  markNamespace,
  markObject,
  markPlan,
  markRelays,
  type Planner,
  type Turn,
} from '../core/planner-state.ts';
import { inParts } from '../core/plan.ts';
import { takeChangedShards } from '../core/relay-config.ts';
import type { Sources } from '../core/sources.ts';
import { shardFileName } from '../../relay/config.ts';
import { stackOf } from '../errors.ts';
import type { Installation } from '../installation.ts';
import type { Resolvers } from '../verify/look-up.ts';
import type { NamespaceLimits } from '../settings.ts';
import { createRelayReports } from '../relay-reports.ts';
import { createAccepted } from './accepted.ts';
import { countReadiness, startCaches, type Readiness } from './cache/caches.ts';
import { createFollowedSecrets } from './cache/followed-secrets.ts';
import type { KnownObject } from './cache/views.ts';
import type { KubeClient } from './client/client.ts';
import { startEventRecorder } from './client/events.ts';
import { queueObserver, type OperatorMetrics } from './metrics.ts';
import { createLookUps } from './look-ups.ts';
import { createPlanning, type Planning } from './planning.ts';
import { allDocuments, documentText } from './relay-documents.ts';
import { startRelayPods } from './relay-pods.ts';
import { startRollout } from './rollout.ts';
import { startVerification } from './verification.ts';
import { createBacklog } from './write/backlog.ts';
import { startConfigSecrets } from './write/configuration.ts';
import { startCrdFit } from './write/crd-fit.ts';
import { createContested } from './write/contested.ts';
import { createOwnStatus } from './write/status.ts';

export interface ControllerOptions {
  readonly client: KubeClient;
  /** Our own namespace: installation id, relay configuration and relay pods. */
  readonly namespace: string;
  /** Name of this process, for Events. */
  readonly identity: string;
  readonly installation: Installation;
  readonly watchNamespaces: readonly string[];
  readonly readClasses: () => Promise<ReadonlyMap<string, ClassView>>;
  readonly otherInstallations: OtherInstallations;
  /** Absent: no domain is verified by DNS. */
  readonly verification?: DnsVerification & { readonly resolvers: Resolvers };
  /** Absent: a namespace may have any number of objects. */
  readonly namespaceLimits?: NamespaceLimits;
  readonly configPrefixOf: (className: string) => string;
  readonly metrics: OperatorMetrics;
  readonly onTrouble: (message: string) => void;
  /** How often everything is planned anew; milliseconds. */
  readonly fullPlanMs?: number;
  /** How often it is tried whether a CRD that was too old fits by now; milliseconds. */
  readonly crdProbeMs?: number;
  /** How long a class may be without a ready relay before its objects say so; milliseconds. */
  readonly unservedMs?: number;
  /** How long what is told of the upstream of a list stays so, at least; milliseconds. */
  readonly tellMs?: number;
}

export interface Controller {
  readonly hasSynced: () => boolean;
  /** What keeps the caches from having synced, as far as that is known. */
  readonly syncTroubles: () => readonly string[];
  /** Waits for the caches, plans everything, and acts from then on. Called once, by the leader. */
  readonly lead: () => Promise<void>;
  /** Number of objects by kind and by the status of their condition `Ready`. */
  readonly readiness: () => readonly Readiness[];
  /** Hashes of the documents that were written last, by class and file name. */
  readonly written: () => Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly depth: () => number;
  /** Seconds since the API server was last heard, by kind. */
  readonly silence: () => ReadonlyMap<string, number>;
  readonly eventsDropped: () => number;
  /** How many statuses are left alone since somebody else replaces them each time. */
  readonly contestedStatuses: () => number;
  /** Which CRDs are of another version than this operator, and what to do about it. */
  readonly crdTroubles: () => ReadonlyMap<Kind, string>;
  /** Resolves when nothing is to be planned, waits or is at work. */
  readonly idle: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const IDLE_POLL_MS = 20;

/** Starts to fill the caches. */
export function startController(options: ControllerOptions): Controller {
  const { client, namespace, installation, metrics, onTrouble } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const onRecord = metrics.countEvent;
  const events = startEventRecorder(client, { instance: options.identity, onRecord, onTrouble });
  const { record } = events;
  const onDone = queueObserver(metrics, onTrouble);
  const ownStatus = createOwnStatus();
  const contested = createContested(onTrouble);

  // --- an event marks what is to be looked at again, once the Secrets are looked up that it names

  const lookUps = createLookUps({
    objects: () => caches.objects,
    followed: () => followed,
    namespaceLimits: options.namespaceLimits,
    mark: (inPlanner) => mark(inPlanner),
    onTrouble,
  });

  const caches = startCaches(client, {
    watchNamespaces: options.watchNamespaces,
    onObject: (kind, key, after, before) => {
      noteStatus(kind, key, before, after);
      if (!ownStatus.isTold(after)) lookUps.onObject(kind, key, after);
    },
    onNamespace: (name) => mark((to) => markNamespace(to, name)),
    onSecret: (key) => lookUps.onSecret(key),
    onTrouble,
    onRelist: (kind) => metrics.relists.inc({ kind }),
    signal,
  });
  /** Of one who leads: to the others every status is written by somebody else. */
  function noteStatus(kind: Kind, key: string, before?: KnownObject, after?: KnownObject): void {
    if (after === undefined) return contested.forget(kind, key);
    if (planning.planner() === undefined || ownStatus.isTaken() || before?.meta.uid !== after.meta.uid) return;
    const digest = after.status?.digest;
    if (before.status?.digest !== digest) contested.onTold(kind, key, digest);
  }

  const followed = createFollowedSecrets(caches.secrets, installation.saltFor);

  const mark: Planning['mark'] = (inPlanner) => planning.mark(inPlanner);

  // --- turns of the planner say what is to be done

  const accepted = createAccepted(client, { namespace, planner: () => planning.planner(), signal });

  const sources: Sources = {
    namespaces: caches.namespacesInUse,
    labelsOf: caches.namespaces.get,
    objectsOf: (kind, name) => caches.objects[kind].in(name),
    countOf: (kind, name) => caches.objects[kind].countIn(name),
    object: (kind, key) => caches.objects[kind].get(key),
    secretsOf: (name) => caches.secrets.in(name),
    secret: followed.view,
    secretTroubleOf: (user) => backlog.secretTroubleOf(user),
    accepted: accepted.of,
    evidenceOf: (sender) => verification.evidenceOf(sender),
    keysOf: (sender) => verification.keysOf(sender),
    programmed: (className, asked) => rollout.stateOf(className, asked),
    relays: (className) => reports.of(className),
    upstream: (className, list) => rollout.upstreamOf(className, list),
  };

  const planning = createPlanning({
    sources,
    issuer: installation.issuer,
    readClasses: options.readClasses,
    otherInstallations: options.otherInstallations,
    verification: options.verification,
    namespaceLimits: options.namespaceLimits,
    onTurn: (turn, planner) => {
      turn.farewells.forEach(record);
      publish(turn);
      offerChanges(planner);
    },
    onAll: function* (results, planner) {
      for (const part of inParts(results)) yield publish(part);
      for (const change of allDocuments(planner)) rollout.offer(change);
      offerChanges(planner);
    },
    onFault: ({ kind, meta, error }) =>
      onTrouble(`${kind} ${meta.namespace}/${meta.name}: the operator failed on it: ${stackOf(error)}`),
    onPass: (pass, seconds) => metrics.planSeconds.observe({ pass }, seconds),
    onTrouble,
    fullPlanMs: options.fullPlanMs,
  });

  function publish(turn: Omit<Turn, 'events' | 'farewells' | 'faults'>): void {
    backlog.publish(turn);
    verification.follow(turn.senders);
  }

  const verification = startVerification(client, {
    namespace,
    resolvers: options.verification?.resolvers,
    isThere: (sender) => caches.objects.VerifiedSender.get(sender) !== undefined,
    onEvidence: (sender) => mark((to) => markObject(to, 'VerifiedSender', sender)),
    onTrouble,
  });

  // --- what differs from the cluster is written

  const onFits = (kind: Kind, keys: readonly string[]): void =>
    mark((to) => keys.forEach((key) => markObject(to, kind, key)));
  const fit = startCrdFit(client, { ...options, record, onFits, signal });
  const backlog = createBacklog({
    client,
    caches,
    fit,
    record,
    onWrite: (what) => metrics.writes.inc({ what }),
    ownStatus,
    contested,
    lookAtSecret: followed.lookAt,
    isEarly: lookUps.isEarly,
    onSecretTrouble: (user) => mark((to) => markObject(to, 'SmtpPlusUser', user)),
    onRetry: () => metrics.retries.inc(),
    onOutdated: (object) => mark((to) => markPlan(to, object)),
    onDone,
  });

  // --- and the relays are told, and tell of themselves

  const ownNamespace = { namespace, onTrouble, signal };
  const configSecrets = startConfigSecrets(client, {
    ...ownNamespace,
    prefixOf: options.configPrefixOf,
    onChange: (secret) => rollout.repair(secret),
  });
  const pods = startRelayPods(client, { ...ownNamespace, onChange: (className) => rollout.lookAtPods(className) });
  const reports = createRelayReports({
    onChange: (className, was, is) => mark((to) => markRelays(to, className, was, is)),
    tellMs: options.tellMs,
  });
  const rollout = startRollout({
    secrets: configSecrets,
    pods,
    reports,
    read: (document) => {
      const planner = planning.planner();
      return planner && documentText(planner, document);
    },
    backlog: backlog.depth,
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

  function offerChanges({ relays }: Planner): void {
    for (const { className, shard, entries, takesAway } of takeChangedShards(relays.store)) {
      rollout.offer({ className, fileName: shardFileName(shard), entries, isUrgent: takesAway });
    }
  }

  async function synced(): Promise<void> {
    await Promise.all([caches.synced(), configSecrets.synced, pods.synced]);
    // once: what is looked up from now on is a change like any other, and there may always be some
    await lookUps.settled();
  }

  const isIdle = (): boolean => [lookUps, planning, backlog, rollout, verification].every((part) => part.isIdle());

  return {
    hasSynced: () => caches.hasSynced() && configSecrets.hasSynced() && pods.hasSynced(),
    syncTroubles: caches.syncTroubles,
    lead: async () => {
      await synced();
      await verification.load();
      await accepted.read();
      // what they have told before is in statuses, and must not be taken back meanwhile
      await rollout.hear();
      await planning.start();
    },
    readiness: () => countReadiness(caches),
    written: rollout.written,
    depth: backlog.depth,
    silence: caches.silence,
    eventsDropped: events.dropped,
    crdTroubles: fit.troubles,
    contestedStatuses: contested.count,
    idle: async () => {
      while (!signal.aborted && !isIdle()) await sleep(IDLE_POLL_MS);
    },
    close: async () => {
      verification.close();
      await planning.close();
      await Promise.all([backlog.close(), rollout.close(), events.close()]);
      stopping.abort();
    },
  };
}
