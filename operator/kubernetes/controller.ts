/**
 * The operator at work, from an event to what is written because of it, which it does only once it leads:
 *
 *   an object, Secret or label changes -> what it concerns is marked -> a turn of the planner -> what differs from the cluster
 *   is queued -> written; what the relays are to know of it is offered to the rollout
 *
 * Each part is given what stands above it. Planning stands first, since all of them mark; what it plans from, and what is done
 * with a plan, it is given at the end, when everything is there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kind } from '../core/model.ts';
import { markAddress, markObject, markPlan, type Planner, type Turn } from '../core/planner-state.ts';
import { inParts, type Results } from '../core/plan.ts';
import type { PlatformFacts } from '../core/platform.ts';
import type { Sources } from '../core/sources.ts';
import { stackOf } from '../errors.ts';
import { createAccepted } from './relays/accepted-passwords.ts';
import { startCertificates } from './certificates.ts';
import { countReadiness } from './cache/caches.ts';
import { startEventRecorder, type EventAbout } from './client/events.ts';
import { startEndpoints } from './endpoints.ts';
import { queueObserver } from './metrics.ts';
import type { Controller, ControllerOptions } from './controller-types.ts';
import { createPlanning } from './planning.ts';
import { startMailProofs } from './proofs/mail-proofs.ts';
import { startRelays } from './relays/relays.ts';
import { createToldUsers } from './told-users.ts';
import { startVerification } from './proofs/verification.ts';
import { startWatching } from './watched.ts';
import { createWriteBacklog } from './write/backlog.ts';
import { startCrdFit } from './write/crd-fit.ts';

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

  // --- an event marks what is to be looked at again

  const planning = createPlanning({
    onFault: ({ kind, meta, error }) =>
      onTrouble(`${kind} ${meta.namespace}/${meta.name}: the operator failed on it: ${stackOf(error)}`),
    onFarewell: record,
    onPass: (pass, seconds) => metrics.planSeconds.observe({ pass }, seconds),
    onTrouble,
    now,
    fullPlanMs: options.fullPlanMs,
  });
  const { mark } = planning;

  // --- what there is on the cluster, and what was found out of senders

  const { caches, followed, lookUps, ownStatus, contested } = startWatching(client, { ...options, planning, signal });

  const accepted = createAccepted(client, { namespace, planner: planning.planner, signal });

  const verification = startVerification(client, {
    namespace,
    installation,
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
    senders: () => caches.objects.VerifiedSender,
    onEvidence: (key) => mark((to) => markAddress(to, key)),
    onStep: (step) => metrics.mailProofs.inc({ step }),
    onAnswer: (answer) => metrics.verifyPages.inc({ answer }),
    onTrouble,
    now,
    signal,
  });

  // --- what differs from the cluster is written

  const endpoints = startEndpoints(client, {
    ...options,
    allowed: options.verification?.endpoints,
    leads: () => planning.planner() !== undefined,
    onFact: (senders) => mark((to) => senders.forEach((key) => markPlan(to, `VerifiedSender ${key}`))),
    senders: caches.objects.VerifiedSender,
    onWrite: (what) => metrics.writes.inc({ what }),
    signal,
  });

  const onFits = (kind: Kind, keys: readonly string[]): void =>
    mark((to) => keys.forEach((key) => markObject(to, kind, key)));
  const fit = startCrdFit(client, { ...options, record, onFits, signal });
  const backlog = createWriteBacklog({
    client,
    caches,
    fit,
    record,
    onWrite: (what) => metrics.writes.inc({ what }),
    ownStatus,
    contested,
    endpoints,
    lookAtSecret: followed.lookAt,
    isEarly: lookUps.isEarly,
    onSecretTrouble: (user) => mark((to) => markObject(to, 'SmtpPlusUser', user)),
    onRetry: () => metrics.retries.inc(),
    onOutdated: (object) => mark((to) => markPlan(to, object)),
    onDone,
  });

  // --- and the relays are told, and tell of themselves

  const relays = startRelays(client, {
    ...options,
    planning,
    objects: caches.objects,
    backlog: backlog.depth,
    record,
    onDone,
    signal,
  });

  const certificates = startCertificates(client, {
    classes: {},
    now,
    ...options.certificates,
    namespace,
    prefixOf: options.configPrefixOf,
    isTold: createToldUsers({ ...caches, ...planning, ...backlog }),
    running: relays.certificatesOf,
    onBundle: planning.planAnew,
    record,
    metrics,
    onDone,
    onTrouble,
    signal,
  });

  // --- what is planned from, and what becomes of a plan

  const sources: Sources = {
    namespaces: caches.namespacesInUse,
    labelsOf: caches.namespaces.get,
    objectsOf: (kind, name) => caches.objects[kind].in(name),
    countOf: (kind, name) => caches.objects[kind].countIn(name),
    object: (kind, key) => caches.objects[kind].get(key),
    secretsOf: caches.secrets.in,
    secret: followed.view,
    secretTroubleOf: backlog.secretTroubleOf,
    accepted: accepted.of,
    evidenceOf: verification.evidenceOf,
    keysOf: verification.keysOf,
    publicationOf: endpoints.publicationOf,
    mailOf: mailProofs.mailOf,
    ...relays.sources,
  };

  async function readFacts(): Promise<PlatformFacts> {
    const { otherInstallations, verification: dns, mail, namespaceLimits } = options;
    const classes = certificates.inClasses(await options.readClasses());
    return {
      classes,
      otherInstallations,
      verification: dns,
      mailVerification: mail?.verification,
      ...(namespaceLimits && { namespaceLimits }),
    };
  }

  function onTurn(turn: Turn, planner: Planner): void {
    publish(turn);
    relays.offerChanges(planner);
  }

  function* onAll(results: Results, planner: Planner): Generator<void> {
    for (const part of inParts(results)) yield publish(part);
    relays.offerAll(planner);
  }

  function publish(turn: Omit<Turn, 'events' | 'farewells' | 'faults'>): void {
    backlog.publish(turn);
    verification.follow(turn.senders);
    endpoints.follow(turn.senders);
    mailProofs.follow(turn.senders);
  }

  async function synced(): Promise<void> {
    await Promise.all([caches.synced(), relays.synced, mailProofs.synced, certificates.synced, endpoints.synced()]);
    // once: what is looked up from now on is a change like any other, and there may always be some
    await lookUps.settled();
  }

  const isIdle = (): boolean =>
    [lookUps, planning, backlog, relays, verification, mailProofs].every((part) => part.isIdle());

  return {
    hasSynced: () => caches.hasSynced() && relays.hasSynced(),
    syncTroubles: caches.syncTroubles,
    lead: async (unwatchedSince) => {
      await synced();
      await Promise.all([verification.load(), mailProofs.load(unwatchedSince)]);
      await accepted.read();
      // what they have told before is in statuses, and must not be taken back meanwhile
      await relays.hear();
      await certificates.load();
      await planning.start({ sources, issuer: installation.issuer, readFacts, onTurn, onAll });
      if (unwatchedSince !== undefined) await relays.doubt(now().getTime() - unwatchedSince.getTime());
      relays.start();
    },
    namespacesInUse: caches.namespacesInUse,
    askRelays: relays.ask,
    readiness: () => countReadiness(caches),
    written: relays.written,
    lags: relays.lags,
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
      await certificates.close();
      await planning.close();
      await Promise.all([verification, mailProofs, backlog, relays, events].map((part) => part.close()));
      stopping.abort();
    },
  };
}
