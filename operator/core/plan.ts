/**
 * The decision as a whole: a snapshot of what people wrote and of what is there, and what is to be done about it. Pure:
 * no I/O, clock or randomness, so that every behaviour is a pair of YAML files in testdata/.
 */
import type { RelayDocuments } from '../../relay/config/config.ts';
import {
  keyOf,
  type Issuer,
  type Kind,
  type Plan,
  type PlannedEvent,
  type RawObject,
  type SecretView,
  type Snapshot,
} from './model.ts';
import { createPlanner, nextLook, nextTurn } from './planner.ts';
import { createDraft, type Planner, type Turn } from './planner-state.ts';
import { allShards, classDocument } from './relay-config.ts';
import type { ListPlan } from './lists/lists.ts';
import type { SenderPlan } from './senders/sender-plan.ts';
import type { Sources } from './sources.ts';
import type { UserPlan } from './users/user-plan.ts';
import { compareText, formatTime } from './time.ts';

export function plan(snapshot: Snapshot, now: Date, issuer: Issuer): Plan {
  const planner = createPlanner(sourcesOf(snapshot), snapshot, issuer);
  const results = createResults();
  for (let turn = nextTurn(planner, now); turn !== undefined; turn = nextTurn(planner, now)) collect(results, turn);
  return wholePlan(planner, results);
}

/** The latest plan of each object. */
export interface Results {
  readonly users: Map<string, UserPlan>;
  readonly lists: Map<string, ListPlan>;
  readonly senders: Map<string, SenderPlan>;
  readonly orphans: Set<string>;
}

export function createResults(): Results {
  return { users: new Map(), lists: new Map(), senders: new Map(), orphans: new Set() };
}

export function collect(results: Results, turn: Turn): void {
  replace(results.users, turn.users);
  replace(results.lists, turn.lists);
  replace(results.senders, turn.senders);
  for (const [key, isOrphan] of turn.secrets) {
    if (isOrphan) results.orphans.add(key);
    else results.orphans.delete(key);
  }
}

/** As many objects as take a few milliseconds to compare with what is there. */
const PART = 100;

/** All of it, a few objects at a time. */
export function* inParts({
  users,
  lists,
  senders,
  orphans,
}: Results): Generator<Omit<Turn, 'events' | 'farewells' | 'faults'>> {
  const nothing = createDraft();
  for (const part of partsOf(users)) yield { ...nothing, users: part };
  for (const part of partsOf(lists)) yield { ...nothing, lists: part };
  for (const part of partsOf(senders)) yield { ...nothing, senders: part };
  yield { ...nothing, secrets: new Map([...orphans].map((key) => [key, true])) };
}

function* partsOf<One>(all: ReadonlyMap<string, One>): Generator<ReadonlyMap<string, One>> {
  let part = new Map<string, One>();
  for (const [key, one] of all) {
    part.set(key, one);
    if (part.size < PART) continue;
    yield part;
    part = new Map();
  }
  yield part;
}

/** Everything that has been planned, in a fixed order. */
export function wholePlan(planner: Planner, results: Results): Plan {
  const [lists, users, senders] = [inOrder(results.lists), inOrder(results.users), inOrder(results.senders)];
  const next = nextLook(planner);
  const events: PlannedEvent[] = [...lists, ...users, ...senders].flatMap((one) => one.events);
  return {
    secrets: users.flatMap(({ secret }) => secret ?? []),
    secretsToDelete: [...results.orphans].sort(),
    statuses: [
      ...lists.map(({ meta, status, fields }) => ({ kind: 'SmtpPlusList', meta, status, fields }) as const),
      ...users.map(({ meta, status, fields }) => ({ kind: 'SmtpPlusUser', meta, status, fields }) as const),
      ...senders.map(({ meta, status }) => ({ kind: 'VerifiedSender', meta, status }) as const),
    ],
    relays: relaysOf(planner),
    events: events.sort((a, b) => compareText(eventOrder(a), eventOrder(b))),
    lookups: senders.flatMap(({ lookup }) => lookup ?? []),
    vouchings: new Map(
      senders.flatMap(({ meta, vouching }) => (vouching === undefined ? [] : [[keyOf(meta), vouching]])),
    ),
    records: senders.flatMap(({ records }) => records ?? []),
    endpoints: new Map(
      senders.flatMap(({ meta, endpoint = [] }) => (endpoint.length === 0 ? [] : [[keyOf(meta), endpoint]])),
    ),
    mails: senders.flatMap(({ mail }) => mail ?? []),
    ...(next !== undefined && { nextLook: formatTime(next) }),
  };
}

export function sourcesOf(snapshot: Snapshot): Sources {
  const byKey = new Map(snapshot.objects.map((object) => [`${object.kind} ${keyOf(object.meta)}`, object]));
  const byNamespace = new Map<string, RawObject[]>();
  for (const object of snapshot.objects) put(byNamespace, `${object.kind} ${object.meta.namespace}`, object);
  const secretsIn = new Map<string, SecretView[]>();
  for (const secret of snapshot.secrets.values()) put(secretsIn, secret.namespace, secret);
  const namespaces = new Set([...snapshot.objects.map(({ meta }) => meta.namespace), ...secretsIn.keys()]);
  return {
    namespaces: () => namespaces,
    labelsOf: (namespace) => snapshot.namespaces.get(namespace),
    objectsOf: (kind: Kind, namespace) => byNamespace.get(`${kind} ${namespace}`) ?? [],
    countOf: (kind, namespace) => byNamespace.get(`${kind} ${namespace}`)?.length ?? 0,
    object: (kind, key) => byKey.get(`${kind} ${key}`),
    secretsOf: (namespace) => secretsIn.get(namespace) ?? [],
    secret: (key) => snapshot.secrets.get(key),
    secretTroubleOf: (user) => snapshot.secretTroubles?.get(user),
    accepted: (user) => snapshot.accepted?.get(user),
    evidenceOf: (sender) => snapshot.evidence.get(sender),
    keysOf: (sender) => snapshot.keys?.get(sender),
    publicationOf: (sender) => snapshot.publications?.get(keyOf(sender)),
    mailOf: (key) => snapshot.mail.get(key),
    programmed: (className) => snapshot.programmed.get(className),
    relays: (className) => snapshot.relayFacts?.get(className),
    upstream: (className, list) => snapshot.relayFacts?.get(className)?.upstreams.get(list),
    usage: (object) => snapshot.usage?.get(object),
  };
}

function relaysOf({ platform, relays }: Planner): Map<string, RelayDocuments> {
  const documents = new Map<string, RelayDocuments>();
  for (const name of platform.classNames) {
    const view = platform.classes.get(name);
    if (view === undefined) continue;
    documents.set(name, { class: classDocument(name, view), shards: allShards(relays.store, name) });
  }
  return documents;
}

function replace<One>(all: Map<string, One>, changed: ReadonlyMap<string, One | undefined>): void {
  for (const [key, one] of changed) {
    if (one === undefined) all.delete(key);
    else all.set(key, one);
  }
}

function put<One>(lists: Map<string, One[]>, key: string, one: One): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [one]);
  else list.push(one);
}

function eventOrder({ kind, meta, reason }: PlannedEvent): string {
  return `${kind} ${meta.namespace}/${meta.name} ${reason}`;
}

function inOrder<One>(results: ReadonlyMap<string, One>): One[] {
  return [...results].sort(([a], [b]) => compareText(a, b)).map(([, one]) => one);
}
