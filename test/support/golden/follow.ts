/** An operator in small: feeds a planner with what has changed, and tells what is to be written because of it. */
import { dnsEvidence, namespaceLabels, programmedFacts, secrets, setObject } from '../../../operator/core/facts.ts';
import {
  keyOf,
  type Kind,
  type PlannedEvent,
  type Plans,
  type SecretPlan,
  type StatusPlan,
} from '../../../operator/core/model.ts';
import { noKeys, replan, type Planner } from '../../../operator/core/planner.ts';
import { shardDocument, takeChangedShards, type ChangedShard } from '../../../operator/core/configuration/documents.ts';
import type { ShardDocument } from '../../../relay/config.ts';
import { advance, setFact, type Facts } from '../../../operator/core/world.ts';
import type { Cluster, Notes } from './cluster.ts';

const KINDS = ['SmtpPlusList', 'SmtpPlusUser', 'VerifiedSender'] as const satisfies readonly Kind[];

export interface Followed {
  readonly secrets: readonly SecretPlan[];
  readonly secretsToDelete: readonly string[];
  readonly statuses: readonly StatusPlan[];
  readonly shards: readonly (ChangedShard & { readonly document: ShardDocument })[];
  readonly events: readonly PlannedEvent[];
}

/** Plans what was noted, and what is due; answers with what is not yet so in the cluster. */
export function follow(planner: Planner, cluster: Cluster, notes: Notes): Followed {
  const { world } = planner;
  advance(world, cluster.now);
  const named = noKeys();
  for (const kind of KINDS) {
    for (const [key, object] of notes.objects[kind]) {
      setObject(world, kind, key, object);
      named[kind].add(key);
    }
  }
  for (const key of notes.secrets.keys()) named.Secret.add(key);
  const set = <Value>(table: Facts<Value>, changed: ReadonlyMap<string, Value | undefined>): void => {
    for (const [key, value] of changed) setFact(world, table, key, value);
  };
  set(secrets, notes.secrets);
  set(namespaceLabels, notes.namespaces);
  set(dnsEvidence, notes.dns);
  set(programmedFacts, notes.programmed);

  const { lists, users, senders, secrets: looked, events } = replan(planner, named);
  const statuses: StatusPlan[] = [
    ...present(lists).map(({ meta, status }) => ({ kind: 'SmtpPlusList', meta, status }) as const),
    ...present(users).map(({ meta, status }) => ({ kind: 'SmtpPlusUser', meta, status }) as const),
    ...present(senders).map(({ meta, status }) => ({ kind: 'VerifiedSender', meta, status }) as const),
  ];
  return {
    secrets: present(users).flatMap(({ secret }) => (secret && !isThere(cluster, secret) ? [secret] : [])),
    secretsToDelete: [...looked].filter((key) => planner.orphans.has(key)),
    statuses: statuses.filter((plan) => !isWritten(cluster, plan)),
    shards: takeChangedShards(planner.relays.store).map(({ className, shard }) => ({
      className,
      shard,
      document: shardDocument(planner.relays.store, className, shard),
    })),
    events,
  };
}

function present<One>(plans: Plans<One>): One[] {
  return [...plans.values()].filter((plan) => plan !== undefined);
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
