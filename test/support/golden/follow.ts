/** An operator in small: tells a planner what has changed, and says what is to be written because of it. */
import { keyOf, type Kind, type PlannedEvent, type SecretPlan, type StatusPlan } from '../../../operator/core/model.ts';
import { collect, createResults, sourcesOf, type Results } from '../../../operator/core/plan.ts';
import { createPlanner, nextTurn } from '../../../operator/core/planner.ts';
import {
  markAddress,
  markAwaiting,
  markNamespace,
  markObject,
  markPlan,
  markRelays,
  markSecret,
  type Planner,
  type Turn,
} from '../../../operator/core/planner-state.ts';
import { shardDocument, takeChangedShards, type ChangedShard } from '../../../operator/core/relay-config.ts';
import type { Sources } from '../../../operator/core/sources.ts';
import type { ShardDocument } from '../../../relay/config/config.ts';
import { snapshotOf, verifiers, type Cluster, type Notes } from './cluster.ts';
import { goldenIssuer } from './passwords.ts';

const KINDS = ['SmtpPlusList', 'SmtpPlusUser', 'VerifiedSender'] as const satisfies readonly Kind[];

export interface Following {
  readonly planner: Planner;
  /** What it has come to so far. */
  readonly results: Results;
}

export interface Followed {
  readonly secrets: readonly SecretPlan[];
  readonly secretsToDelete: readonly string[];
  readonly statuses: readonly StatusPlan[];
  readonly shards: readonly (Pick<ChangedShard, 'className' | 'shard'> & { readonly document: ShardDocument })[];
  readonly events: readonly PlannedEvent[];
  readonly farewells: readonly PlannedEvent[];
}

/** A planner that looks at the cluster as it is at the time. */
export function startFollowing(cluster: Cluster): Following {
  const sources = sourcesNow(cluster);
  const planner = createPlanner(sources, snapshotOf(cluster), goldenIssuer(cluster, verifiers.of));
  const results = createResults();
  for (const turn of turns(planner, cluster)) collect(results, turn);
  return { planner, results };
}

/** Plans what was noted, and what is due; answers with what is not yet so in the cluster. */
export function follow({ planner, results }: Following, cluster: Cluster, notes: Notes): Followed {
  for (const kind of KINDS) for (const key of notes.objects[kind].keys()) markObject(planner, kind, key);
  for (const key of notes.secrets.keys()) markSecret(planner, key);
  for (const name of notes.namespaces.keys()) markNamespace(planner, name);
  for (const key of notes.evidence.keys()) markObject(planner, 'VerifiedSender', key);
  for (const key of notes.mail.keys()) markAddress(planner, key);
  for (const name of notes.programmed.keys()) markAwaiting(planner, name);
  for (const object of notes.usage.keys()) markPlan(planner, object);
  for (const [name, before] of notes.relayFacts) markRelays(planner, name, before, cluster.relayFacts.get(name));

  const looked = createResults();
  const events: PlannedEvent[] = [];
  const farewells: PlannedEvent[] = [];
  for (const turn of turns(planner, cluster)) {
    collect(results, turn);
    collect(looked, turn);
    events.push(...turn.events);
    farewells.push(...turn.farewells);
  }
  const statuses: StatusPlan[] = [
    ...[...looked.lists.values()].map(({ meta, status }) => ({ kind: 'SmtpPlusList', meta, status }) as const),
    ...[...looked.users.values()].map(({ meta, status }) => ({ kind: 'SmtpPlusUser', meta, status }) as const),
    ...[...looked.senders.values()].map(({ meta, status }) => ({ kind: 'VerifiedSender', meta, status }) as const),
  ];
  return {
    secrets: [...looked.users.values()].flatMap(({ secret }) => (secret && !isThere(cluster, secret) ? [secret] : [])),
    secretsToDelete: [...looked.orphans],
    statuses: statuses.filter((plan) => !isWritten(cluster, plan)),
    shards: takeChangedShards(planner.relays.store).map(({ className, shard }) => ({
      className,
      shard,
      document: shardDocument(planner.relays.store, className, shard),
    })),
    events,
    farewells,
  };
}

function* turns(planner: Planner, { now }: Cluster): Generator<Turn> {
  for (let turn = nextTurn(planner, now); turn !== undefined; turn = nextTurn(planner, now)) yield turn;
}

/** Asks the cluster each time, as caches are asked. */
export function sourcesNow(cluster: Cluster): Sources {
  const now = (): Sources => sourcesOf(snapshotOf(cluster));
  return {
    namespaces: () => now().namespaces(),
    labelsOf: (namespace) => cluster.namespaces.get(namespace),
    objectsOf: (kind, namespace) => now().objectsOf(kind, namespace),
    countOf: (kind, namespace) => now().countOf(kind, namespace),
    object: (kind, key) => cluster.objects.get(`${kind} ${key}`),
    secretsOf: (namespace) => now().secretsOf(namespace),
    secret: (key) => cluster.secrets.get(key),
    secretTroubleOf: () => undefined,
    accepted: (user) => cluster.accepted.get(user),
    evidenceOf: (sender) => cluster.evidence.get(sender),
    keysOf: (sender) => cluster.keys.get(sender),
    publicationOf: () => undefined,
    mailOf: (key) => cluster.mail.get(key),
    programmed: (className) => cluster.programmed.get(className),
    relays: (className) => cluster.relayFacts.get(className),
    upstream: (className, list) => cluster.relayFacts.get(className)?.upstreams.get(list),
    usage: (object) => cluster.usage.get(object),
  };
}

function isWritten({ objects }: Cluster, { kind, meta, status }: StatusPlan): boolean {
  return isSame(objects.get(`${kind} ${keyOf(meta)}`)?.status, status);
}

function isThere({ secrets }: Cluster, { data, annotations, ...plan }: SecretPlan): boolean {
  const there = secrets.get(keyOf(plan));
  return isSame([there?.data, there?.annotations], [data, annotations]);
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
