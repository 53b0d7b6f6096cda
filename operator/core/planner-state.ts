/** What the planner keeps between its turns, and what each change marks to be looked at again. */
import type { Alarms } from './alarms.ts';
import { differing } from './differing.ts';
import { isEqual } from './equal.ts';
import type { Fault } from './faults.ts';
import { signerOf } from './fit.ts';
import type { Interests } from './interests.ts';
import type { ListPlan } from './lists/lists.ts';
import { createMarks, isToJudge, isToPlan, type Marks } from './marks.ts';
import { keyOf, type Kind, type PlannedEvent, type RawObject, type RelaysFact } from './model.ts';
import { BUILT_IN_LIST } from './names.ts';
import type { NamespaceVerdicts } from './namespace.ts';
import type { Overflow } from './namespace-limits.ts';
import type { Platform } from './platform.ts';
import { entryOf } from './relay-config.ts';
import type { RelayEntries } from './relay-entries.ts';
import type { Guest } from './selector.ts';
import type { NamespaceRules } from './senders/sender-rules.ts';
import { addressKeyOf } from './senders/wished-address.ts';
import type { SenderPlan } from './senders/sender-plan.ts';
import type { Shared } from './shared.ts';
import type { Sources } from './sources.ts';
import type { UserPlan } from './users/user-plan.ts';

export interface Planner {
  /** Where it finds what there is; replaced where that comes as one snapshot after the other. */
  sources: Sources;
  readonly platform: Platform;
  readonly namespaces: Map<string, PlannedNamespace>;
  readonly shared: Shared;
  readonly interests: Interests;
  readonly relays: RelayEntries;
  /** When something changes with time alone: users by key, namespaces by name. */
  readonly alarms: Alarms;
  /** Objects that relays do not run yet as they are, with their class; by kind and key. */
  readonly awaiting: Map<string, string>;
  /** Events of plans that no status shows yet, by kind and key. */
  readonly announced: Map<string, readonly PlannedEvent[]>;
  readonly toJudge: Set<string>;
  /** In the order in which namespaces come to their turn. */
  readonly toPlan: Set<string>;
}

/** What is kept of a namespace from one turn to the next. */
export interface PlannedNamespace {
  readonly marks: Marks;
  verdicts: NamespaceVerdicts | undefined;
  /** Its users who have to wait for a place. */
  overflow: Overflow | undefined;
  /** As it was when its rules were last worked out. */
  guest: Guest | undefined;
  rules: NamespaceRules;
}

/** A turn while it is taken: see Turn. */
export interface Draft {
  readonly users: Map<string, UserPlan | undefined>;
  readonly lists: Map<string, ListPlan | undefined>;
  readonly senders: Map<string, SenderPlan | undefined>;
  readonly secrets: Map<string, boolean>;
  readonly events: PlannedEvent[];
  readonly farewells: PlannedEvent[];
  readonly faults: Fault[];
}

/** What one turn has looked at. `undefined`: the object is gone. What is here need not have changed. */
export interface Turn {
  readonly users: ReadonlyMap<string, UserPlan | undefined>;
  readonly lists: ReadonlyMap<string, ListPlan | undefined>;
  readonly senders: ReadonlyMap<string, SenderPlan | undefined>;
  /** Secrets (`NAMESPACE/NAME`), and whether they are ours and not wanted any more. */
  readonly secrets: ReadonlyMap<string, boolean>;
  readonly events: readonly PlannedEvent[];
  /** About objects that are gone: told when it is noticed, and in no plan. */
  readonly farewells: readonly PlannedEvent[];
  readonly faults: readonly Fault[];
}

export function createDraft(): Draft {
  return {
    users: new Map(),
    lists: new Map(),
    senders: new Map(),
    secrets: new Map(),
    events: [],
    farewells: [],
    faults: [],
  };
}

const NO_RULES: NamespaceRules = { rules: [], leftOut: 0 };

/** An object has come, changed or gone. */
export function markObject(planner: Planner, kind: Kind, key: string): void {
  const namespace = namespaceOf(key);
  const { marks } = namespaceIn(planner, namespace);
  switch (kind) {
    case 'SmtpPlusUser':
      marks.references.add(key);
      marks.users.add(key);
      break;
    case 'SmtpPlusList':
      marks.judge = true;
      marks.lists.add(key);
      break;
    case 'VerifiedSender':
      marks.judge = true;
      marks.senders.add(key);
      break;
  }
  enqueue(planner, namespace);
}

/** What is known of an address (`NAMESPACE/ADDRESS`) has changed. */
export function markAddress(planner: Planner, address: string): void {
  for (const object of planner.sources.objectsOf('VerifiedSender', namespaceOf(address))) {
    if (addressKeyOf(object) === address) markObject(planner, 'VerifiedSender', keyOf(object.meta));
  }
}

/** A Secret has come, changed or gone. */
export function markSecret(planner: Planner, key: string): void {
  const namespace = namespaceOf(key);
  namespaceIn(planner, namespace).marks.secrets.add(key);
  enqueue(planner, namespace);
  markInterested(planner, `Secret ${key}`);
}

/** Everything in a namespace is to be looked at, because of its labels for instance. */
export function markNamespace(planner: Planner, namespace: string): void {
  const { sources } = planner;
  const { marks } = namespaceIn(planner, namespace);
  marks.judge = true;
  marks.rules = true;
  for (const { meta } of sources.objectsOf('SmtpPlusList', namespace)) marks.lists.add(keyOf(meta));
  for (const { meta } of sources.objectsOf('VerifiedSender', namespace)) marks.senders.add(keyOf(meta));
  for (const { meta } of sources.objectsOf('SmtpPlusUser', namespace)) {
    marks.references.add(keyOf(meta));
    marks.users.add(keyOf(meta));
  }
  for (const secret of sources.secretsOf(namespace)) marks.secrets.add(keyOf(secret));
  enqueue(planner, namespace);
}

/**
 * Relays may have caught up with the objects of a class that they did not run yet.
 *
 * @param entries what they run now of their configuration: lists, user names, namespaces. Default: anything
 */
export function markAwaiting(planner: Planner, className: string, entries?: ReadonlySet<string>): void {
  const { awaiting, relays } = planner;
  /** Entries that may be about any number of objects: lists and namespaces. */
  const shared = new Set<string>();
  for (const entry of entries ?? []) {
    const user = entryOf(relays.store, { className, section: 'users', key: entry });
    if (user === undefined) shared.add(entry);
    else if (awaiting.get(`SmtpPlusUser ${user.object}`) === className)
      markPlan(planner, `SmtpPlusUser ${user.object}`);
  }
  // thousands may wait, and most of the time it is users that are done, a few at a time
  if (entries !== undefined && shared.size === 0) return;
  for (const [object, itsClass] of awaiting) {
    if (itsClass !== className) continue;
    if (entries === undefined || entriesOf(planner, object).some((entry) => shared.has(entry))) {
      markPlan(planner, object);
    }
  }
}

/** The entries of the relays' configuration that an object is about. */
function entriesOf({ relays }: Planner, object: string): readonly string[] {
  const [kind, key = ''] = object.split(' ');
  if (kind !== 'SmtpPlusUser') return [key];
  const entry = relays.users.get(key)?.entry;
  return entry === undefined ? [] : [entry.username, entry.config.list, entry.config.namespace];
}

/** What is known of the relays has changed for an entry of their configuration: a list, a user name, a namespace or keys. */
export function markEntry(planner: Planner, className: string, entry: string): void {
  const sender = signerOf(entry);
  if (sender !== undefined) return markObject(planner, 'VerifiedSender', sender);
  for (const [key, { entry: user }] of planner.relays.users) {
    if (user?.className !== className) continue;
    const { username, config } = user;
    if ([username, config.list, config.namespace].includes(entry)) markPlan(planner, `SmtpPlusUser ${key}`);
  }
  if (planner.relays.lists.get(entry) === className) markPlan(planner, `SmtpPlusList ${entry}`);
}

/** The relays of a class tell something else: of themselves, which is in every status, or of what becomes of the mail of lists. */
export function markRelays(
  planner: Planner,
  className: string,
  before: RelaysFact | undefined,
  after: RelaysFact | undefined,
): void {
  if (before === after) return;
  const frameOf = (fact: RelaysFact | undefined) =>
    fact && [fact.isSilent, fact.full, fact.full.length > 0 ? fact.of : 0];
  if (!isEqual(frameOf(before), frameOf(after))) markClass(planner, className);
  const lists = new Set(differing(before?.upstreams, after?.upstreams));
  if (lists.size === 0) return;
  for (const [key, { entry }] of planner.relays.users) {
    if (entry?.className === className && lists.has(entry.config.list)) markPlan(planner, `SmtpPlusUser ${key}`);
  }
  for (const key of lists) {
    if (planner.relays.lists.get(key) === className) markPlan(planner, `SmtpPlusList ${key}`);
  }
}

/** Every object of a class is to be looked at. */
export function markClass(planner: Planner, className: string): void {
  for (const [key, { entry }] of planner.relays.users) {
    if (entry?.className === className) markPlan(planner, `SmtpPlusUser ${key}`);
  }
  for (const [key, itsClass] of planner.relays.lists) {
    if (itsClass === className) markPlan(planner, `SmtpPlusList ${key}`);
  }
}

/** Marks every object that names a thing; a list that reads a Secret is judged anew as well. */
export function markInterested(planner: Planner, thing: string): void {
  for (const object of planner.interests.of(thing)) {
    const [kind, key = ''] = object.split(' ');
    if (kind === 'SmtpPlusList') markObject(planner, kind, key);
    // whether it has a password can decide whose its user name is
    else if (thing.startsWith('Secret ')) markObject(planner, 'SmtpPlusUser', key);
    else markPlan(planner, object);
  }
}

const MARKS_OF = {
  SmtpPlusUser: 'users',
  SmtpPlusList: 'lists',
  VerifiedSender: 'senders',
  Secret: 'secrets',
} as const;

/** An object or Secret is to be planned anew, though nothing that others see of it can have changed. */
export function markPlan(planner: Planner, object: string): void {
  const [kind, key = ''] = object.split(' ') as [keyof typeof MARKS_OF, string?];
  if (key === BUILT_IN_LIST) return;
  const namespace = namespaceOf(key);
  namespaceIn(planner, namespace).marks[MARKS_OF[kind]].add(key);
  enqueue(planner, namespace);
}

/** What its users may send as may have changed. */
export function markRules(planner: Planner, namespace: string): void {
  namespaceIn(planner, namespace).marks.rules = true;
  enqueue(planner, namespace);
}

/** One that is being deleted counts as gone. */
export function present({ sources }: Planner, kind: Kind, key: string): RawObject | undefined {
  const object = sources.object(kind, key);
  return object?.meta.deletionTimestamp === undefined ? object : undefined;
}

export function namespaceIn({ namespaces }: Planner, name: string): PlannedNamespace {
  const known = namespaces.get(name);
  if (known !== undefined) return known;
  const fresh = { marks: createMarks(), verdicts: undefined, overflow: undefined, guest: undefined, rules: NO_RULES };
  namespaces.set(name, fresh);
  return fresh;
}

export function guestOf({ sources }: Planner, namespace: string): Guest {
  return { name: namespace, labels: sources.labelsOf(namespace) };
}

/** Gives a namespace its turns, where something in it is marked. */
export function enqueue(planner: Planner, namespace: string): void {
  const { marks } = namespaceIn(planner, namespace);
  if (isToJudge(marks)) planner.toJudge.add(namespace);
  if (isToPlan(marks)) planner.toPlan.add(namespace);
}

export function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}
