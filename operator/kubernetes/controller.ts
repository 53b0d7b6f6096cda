/**
 * The operator at work, from an event to what is written because of it, which it does only once it leads:
 *
 *   an object, Secret or label changes -> its namespace is marked -> a turn of the planner -> what differs from the cluster
 *   is queued -> written; what the relays are to know of it is offered to the rollout
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kind } from '../core/model.ts';
import {
  markAddress,
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
import { createRelayReports } from '../relay-reports.ts';
import { createAccepted } from './accepted.ts';
import { startCertificates } from './certificates.ts';
import { countReadiness, startCaches } from './cache/caches.ts';
import { createFollowedSecrets } from './cache/followed-secrets.ts';
import type { KnownObject } from './cache/views.ts';
import { startEventRecorder, type EventAbout } from './client/events.ts';
import { queueObserver } from './metrics.ts';
import type { Controller, ControllerOptions } from './controller-types.ts';
import { createLookUps } from './look-ups.ts';
import { createPlanning, type Planning } from './planning.ts';
import { allDocuments, documentText } from './relay-documents.ts';
import { startRelayPods } from './relay-pods.ts';
import { startRollout } from './rollout.ts';
import { startMailProofs } from './mail-proofs.ts';
import { createToldUsers } from './told-users.ts';
import { startUsage } from './usage.ts';
import { startVerification } from './verification.ts';
import { createBacklog } from './write/backlog.ts';
import { startConfigSecrets } from './write/configuration.ts';
import { startCrdFit } from './write/crd-fit.ts';
import { createContested } from './write/contested.ts';
import { createOwnStatus } from './write/status.ts';

const IDLE_POLL_MS = 20;

/** Starts to fill the caches. */
export function startController(options: ControllerOptions): Controller {
  const { client, namespace, installation, metrics, onTrouble, now = () => new Date() } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const onRecord = metrics.countEvent;
  const events = startEventRecorder<EventAbout>(client, { instance: options.identity, onRecord, onTrouble });
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
    mailOf: (key) => mailProofs.mailOf(key),
    programmed: (className, asked) => rollout.stateOf(className, asked),
    relays: (className) => reports.of(className),
    upstream: (className, list) => rollout.upstreamOf(className, list),
    usage: (object) => usage.of(object),
  };

  const planning = createPlanning({
    sources,
    issuer: installation.issuer,
    readClasses: async () => certificates.inClasses(await options.readClasses()),
    otherInstallations: options.otherInstallations,
    verification: options.verification,
    mailVerification: options.mail?.verification,
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
    now,
    fullPlanMs: options.fullPlanMs,
  });

  function publish(turn: Omit<Turn, 'events' | 'farewells' | 'faults'>): void {
    backlog.publish(turn);
    verification.follow(turn.senders);
    mailProofs.follow(turn.senders);
  }

  const verification = startVerification(client, {
    namespace,
    resolvers: options.verification?.resolvers,
    isThere: (sender) => caches.objects.VerifiedSender.get(sender) !== undefined,
    onEvidence: (sender) => mark((to) => markObject(to, 'VerifiedSender', sender)),
    onTrouble,
    now,
  });

  const mailProofs = startMailProofs(client, {
    namespace,
    mail: options.mail,
    unledClient: options.unledClient ?? client,
    installation,
    classOf: (name) => planning.planner()?.platform.classes.get(name),
    onEvidence: (key) => mark((to) => markAddress(to, key)),
    onStep: (step) => metrics.mailProofs.inc({ step }),
    onAnswer: (answer) => metrics.verifyPages.inc({ answer }),
    onTrouble,
    now,
    signal,
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

  const certificates = startCertificates(client, {
    classes: {},
    now,
    ...options.certificates,
    ...ownNamespace,
    prefixOf: options.configPrefixOf,
    isTold: createToldUsers({ ...caches, ...planning, ...backlog }),
    running: rollout.certificatesOf,
    onBundle: planning.planAnew,
    record,
    metrics,
    onDone,
  });

  const usage = startUsage({
    pods,
    objects: () => caches.objects,
    onChange: (objects) => mark((to) => objects.forEach((object) => markPlan(to, object))),
    ...options.usageMs,
  });

  function offerChanges({ relays }: Planner): void {
    for (const { className, shard, entries, takesAway } of takeChangedShards(relays.store)) {
      rollout.offer({ className, fileName: shardFileName(shard), entries, isUrgent: takesAway });
    }
  }

  async function synced(): Promise<void> {
    await Promise.all([caches.synced(), configSecrets.synced, pods.synced, mailProofs.synced, certificates.synced]);
    // once: what is looked up from now on is a change like any other, and there may always be some
    await lookUps.settled();
  }

  const isIdle = (): boolean =>
    [lookUps, planning, backlog, rollout, verification, mailProofs].every((part) => part.isIdle());

  return {
    hasSynced: () => caches.hasSynced() && configSecrets.hasSynced() && pods.hasSynced(),
    syncTroubles: caches.syncTroubles,
    lead: async () => {
      await synced();
      await Promise.all([verification.load(), mailProofs.load()]);
      await accepted.read();
      // what they have told before is in statuses, and must not be taken back meanwhile
      await rollout.hear();
      await certificates.load();
      await planning.start();
      usage.start();
    },
    readiness: () => countReadiness(caches),
    written: rollout.written,
    depth: backlog.depth,
    page: mailProofs.page,
    silence: caches.silence,
    eventsDropped: events.dropped,
    crdTroubles: fit.troubles,
    contestedStatuses: contested.count,
    idle: async () => {
      while (!signal.aborted && !isIdle()) await sleep(IDLE_POLL_MS);
    },
    close: async () => {
      verification.close();
      mailProofs.close();
      usage.close();
      await certificates.close();
      await planning.close();
      await Promise.all([backlog.close(), rollout.close(), events.close()]);
      stopping.abort();
    },
  };
}
