/** The operator on a cluster, put together: caches -> planning -> work queue and delivery. Acts only once it leads. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClassView, Kind, RawObject } from '../core/model.ts';
import type { Replanned } from '../core/planner.ts';
import type { Installation } from '../adapters/installation.ts';
import { countReadiness, startCaches } from './cache/caches.ts';
import type { KubeClient } from './client/client.ts';
import { messageOf } from './client/answers.ts';
import { startConfigSecrets } from './config-secrets.ts';
import { startDelivery } from './delivery.ts';
import { documentText, type DocumentId } from './documents.ts';
import { startEventRecorder } from './client/events.ts';
import { createFollowedSecrets } from './cache/followed-secrets.ts';
import type { OperatorMetrics } from './metrics.ts';
import { createPlanning } from './planning.ts';
import { createWorkQueue, type WorkQueueOptions } from './queue.ts';
import { isDone, isSecretDone, reconcile, type Work, type WorkKey } from './reconcile.ts';
import { referencesOf } from './cache/references.ts';
import { startRelayPods } from './relay-pods.ts';
import { createStepper } from './stepper.ts';

export interface OperatorOptions {
  readonly client: KubeClient;
  /** Our own namespace: installation id, relay configuration and relay pods. */
  readonly namespace: string;
  /** Name of this process, for Events. */
  readonly identity: string;
  readonly installation: Installation;
  readonly watchNamespaces: readonly string[];
  readonly readClasses: () => Promise<ReadonlyMap<string, ClassView>>;
  readonly configPrefixOf: (className: string) => string;
  readonly metrics: OperatorMetrics;
  readonly onTrouble: (message: string) => void;
  /** How often everything is planned anew; milliseconds. */
  readonly fullPlanMs?: number;
}

export interface Operator {
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
  /** Resolves when nothing is to be planned, waits or is at work. */
  readonly idle: () => Promise<void>;
  readonly close: () => Promise<void>;
}

interface Readiness {
  readonly kind: Kind;
  readonly ready: string;
  readonly count: number;
}

/** Requests under way at once; the client has a few connections more, for the delivery. */
const WORKERS = 24;
/** What we knew was out of date: the watch will have told by then. */
const RETRY_MS = 100;
const IDLE_POLL_MS = 20;

/** Starts to fill the caches. */
export function startOperator(options: OperatorOptions): Operator {
  const { client, namespace, installation, metrics, onTrouble } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const events = startEventRecorder(client, { instance: options.identity, onTrouble });
  const onDone = observer(metrics, onTrouble);
  /** Objects whose Secrets are being looked up. */
  const lookingUp = new Set<Promise<void>>();

  const caches = startCaches(client, {
    watchNamespaces: options.watchNamespaces,
    saltFor: installation.saltFor,
    onObject: (kind, key, _, after) => track(onObject(kind, key, after)),
    onNamespace: (name) => planning.markNamespace(name),
    onSecret: (key) => track(onSecret(key)),
    onUnlabelled: (key) => track(onUnlabelled(key)),
    onTrouble,
    onRelist: (kind) => metrics.relists.inc({ kind }),
    signal,
  });
  const followed = createFollowedSecrets(caches.secrets, installation.saltFor);
  const planning = createPlanning(
    {
      object: (kind, key) => caches.objects[kind].get(key),
      objectKeys: (kind) => caches.objects[kind].keys(),
      secret: followed.view,
      secretKeys: caches.secrets.keys,
      namespace: caches.namespaces.get,
      namespaceNames: caches.namespaces.keys,
    },
    installation.craft,
    () => stepper.wake(),
  );
  /** What is to be done about each key that is queued; the latest plan is the only one that counts. */
  const backlog = new Map<string, Work>();
  const queue = createWorkQueue({
    workers: WORKERS,
    work: async (key) => {
      const work = backlog.get(key);
      if (work === undefined) return;
      const outcome = await reconcile(context, work);
      if (outcome === 'again') {
        metrics.retries.inc();
        queue.addAfter(key, RETRY_MS);
      }
      // done, unless something else is to be done by now
      else if (backlog.get(key) === work) backlog.delete(key);
    },
    onDone,
  });
  const context = {
    client,
    caches,
    record: events.record,
    onWrite: (what: string) => metrics.writes.inc({ what }),
    onSecretTrouble: planning.setSecretTrouble,
    onTaken: (user: string, secret: string) =>
      track(followed.setReferences(`taken/${user}`, [{ secret }]).then(() => planning.markSecret(secret))),
  };
  const ownNamespace = { namespace, onTrouble, signal };
  const configSecrets = startConfigSecrets(client, {
    ...ownNamespace,
    prefixOf: options.configPrefixOf,
    onChange: (secret) => delivery.repair(secret),
  });
  const pods = startRelayPods(client, { ...ownNamespace, onChange: (className) => delivery.lookAtPods(className) });
  const delivery = startDelivery({
    secrets: configSecrets,
    pods,
    read: (document) => {
      const planner = planning.planner();
      return planner && documentText(planner, document);
    },
    backlog: queue.depth,
    onProgrammed: planning.setProgrammed,
    onLeftOut: planning.setLeftOut,
    onWritten: (seconds) => {
      metrics.writes.inc({ what: 'document' });
      metrics.deliverySeconds.observe(seconds);
    },
    onDone,
  });
  const stepper = createStepper({
    planning,
    readClasses: options.readClasses,
    onPlanned,
    onStep: (pass, seconds) => metrics.planSeconds.observe({ pass }, seconds),
    onTrouble,
    fullPlanMs: options.fullPlanMs,
  });

  /** An object's Secrets are looked up before the object counts: otherwise they would seem to be missing. */
  async function onObject(kind: Kind, key: string, after: RawObject | undefined): Promise<void> {
    await followed.setReferences(`${kind}/${key}`, after === undefined ? [] : referencesOf(after));
    if (after === undefined) await followed.setReferences(`taken/${key}`, []);
    planning.markObject(kind, key);
  }

  async function onSecret(key: string): Promise<void> {
    // what stood in for the label is needed no more: it has the label again, or it is gone
    const isSettled = caches.secrets.isLabelled(key) || caches.secrets.get(key) === undefined;
    if (isSettled) await followed.setReferences(`unlabelled/${key}`, []);
    await followed.refresh(key);
    planning.markSecret(key);
  }

  /** One of ours is not listed any more: it is gone, or somebody took the label away. Then it still is what it was. */
  async function onUnlabelled(key: string): Promise<void> {
    caches.secrets.followAnew(key);
    await followed.setReferences(`unlabelled/${key}`, [{ secret: key }]);
    await onSecret(key);
  }

  function track(work: Promise<void>): void {
    lookingUp.add(work);
    work
      .catch((error: unknown) => onTrouble(messageOf(error)))
      .finally(() => lookingUp.delete(work))
      .catch(() => undefined);
  }

  function onPlanned(replanned: Replanned, changed: readonly DocumentId[]): void {
    const put = (key: WorkKey, work: Work | undefined): void => {
      if (work === undefined || isDone(context, work)) {
        backlog.delete(key);
        return;
      }
      backlog.set(key, work);
      queue.add(key);
    };
    const { users, lists, senders, secrets } = replanned;
    for (const [key, plan] of users) {
      put(`SmtpPlusUser/${key}`, plan && { kind: 'SmtpPlusUser', plan });
      const isOver = planning.hasSecretTrouble(key) && isSecretDone(context, plan);
      if (isOver) planning.setSecretTrouble(key, undefined);
    }
    for (const [key, plan] of lists) put(`SmtpPlusList/${key}`, plan && { kind: 'SmtpPlusList', plan });
    for (const [key, plan] of senders) put(`VerifiedSender/${key}`, plan && { kind: 'VerifiedSender', plan });
    const orphans = planning.planner()?.orphans;
    for (const key of secrets) put(`Secret/${key}`, orphans?.has(key) ? { kind: 'Secret', key } : undefined);
    for (const document of changed) delivery.offer(document);
  }

  async function synced(): Promise<void> {
    await Promise.all([caches.synced(), configSecrets.synced, pods.synced]);
    // once: what is looked up from now on is a change like any other, and there may always be some
    await Promise.all(lookingUp);
  }

  return {
    hasSynced: () => caches.hasSynced() && configSecrets.hasSynced() && pods.hasSynced(),
    syncTroubles: caches.syncTroubles,
    lead: async () => {
      await synced();
      await stepper.start();
    },
    readiness: () => countReadiness(caches),
    written: delivery.written,
    depth: queue.depth,
    silence: caches.silence,
    eventsDropped: events.dropped,
    idle: async () => {
      const isBusy = (): boolean => lookingUp.size > 0 || !stepper.isIdle() || !queue.isIdle() || !delivery.isIdle();
      while (!signal.aborted && isBusy()) await sleep(IDLE_POLL_MS);
    },
    close: async () => {
      stepper.close();
      await Promise.all([queue.close(), delivery.close(), events.close()]);
      stopping.abort();
    },
  };
}

/** Counts what a queue has done. Kinds are the part of a key before its first slash. */
function observer(
  metrics: OperatorMetrics,
  onTrouble: (message: string) => void,
): NonNullable<WorkQueueOptions['onDone']> {
  return ({ key, waitedMs, tookMs, error }) => {
    const kind = key.slice(0, key.indexOf('/'));
    metrics.reconciles.inc({ kind, result: error === undefined ? 'done' : 'failed' });
    metrics.reconcileSeconds.observe({ kind }, tookMs / 1000);
    metrics.queueSeconds.observe(waitedMs / 1000);
    if (error === undefined) return;
    metrics.retries.inc();
    onTrouble(`${key}: ${messageOf(error)}`);
  };
}
