/** The tables of facts, and the indexes that are kept with them. Everything the core knows comes in here. */
import { DEFAULT_LIST_ANNOTATION } from './names.ts';
import {
  keyOf,
  type ClassView,
  type DnsEvidence,
  type Kind,
  type ObjectMeta,
  type ProgrammedFact,
  type RawObject,
  type SecretView,
  type Snapshot,
} from './model.ts';
import { isEqual } from './equal.ts';
import { read, setFact, type Facts, type World } from './world.ts';

/** A status is no part of the object: when the operator writes one, nothing else is to be decided anew. */
function isSameObject(a: RawObject | undefined, b: RawObject | undefined): boolean {
  const isSame = isEqual(a?.meta, b?.meta) && isEqual(a?.spec, b?.spec) && isEqual(a?.faults, b?.faults);
  return isSame && (a === undefined) === (b === undefined);
}

const isSame = isSameObject;

export const objects: Readonly<Record<Kind, Facts<RawObject>>> = {
  SmtpPlusList: { name: 'list', isSame },
  SmtpPlusUser: { name: 'user', isSame },
  VerifiedSender: { name: 'sender', isSame },
};
/** The status as last written, by key; for transitions only. */
export const previousStatuses: Readonly<Record<Kind, Facts<unknown>>> = {
  SmtpPlusList: { name: 'list status' },
  SmtpPlusUser: { name: 'user status' },
  VerifiedSender: { name: 'sender status' },
};
export const secrets: Facts<SecretView> = { name: 'secret' };
/** Why the Secret of a user could not be written, by key of the user. */
export const secretTroubles: Facts<string> = { name: 'secret trouble' };
export const namespaceLabels: Facts<Readonly<Record<string, string>>> = { name: 'namespace' };
export const dnsEvidence: Facts<DnsEvidence> = { name: 'dns' };
/** Not to know is the same whatever the reason: else every object of the class would be looked at when the first is given. */
export const programmedFacts: Facts<ProgrammedFact> = {
  name: 'programmed',
  isSame: (a, b) => isEqual(knownOf(a), knownOf(b)),
};

function knownOf(fact: ProgrammedFact | undefined): ProgrammedFact | undefined {
  return fact?.state === 'Unknown' && fact.unwritten === undefined ? undefined : fact;
}

/** Entries that the relays' configuration has no room for, by `leftOutKey`. */
export const leftOutEntries: Facts<true> = { name: 'left out' };

/** @param key a list (`NAMESPACE/NAME`), a user name, or a namespace. */
export function leftOutKey(className: string, key: string): string {
  return `${className} ${key}`;
}

export const classes: Facts<ClassView> = { name: 'class' };
/** One fact under the key ''. */
export const verification: Facts<Snapshot['verification']> = { name: 'verification' };
/** One fact under the key ''. */
export const howToVouch: Facts<string> = { name: 'how to vouch' };
/** Names of all classes, under the key ''. */
export const classNames: Facts<readonly string[]> = { name: 'class names' };

/** Users of a list; kept by the planner, by key of the list. */
export interface Tally {
  readonly total: number;
  readonly active: number;
}

export const tallies: Facts<Tally> = { name: 'tally' };

/** Keys in a fixed order. Never changed in place: most hold one key, and a Set of one takes as much memory as a user's spec. */
type Index = Facts<readonly string[]>;

/** Keys of a namespace's own VerifiedSenders. */
export const sendersOfNamespace: Index = { name: 'senders of namespace' };
/** Under the key '': keys of VerifiedSenders that other namespaces may use. */
export const sharedSenders: Index = { name: 'shared senders' };
/** Keys of a namespace's lists that are annotated as its default. */
export const defaultListsOfNamespace: Index = { name: 'default lists of namespace' };
/** Keys of the users who ask for a user name of their choice, whether or not they may have it. */
export const usersByUsername: Index = { name: 'users by user name' };
/** Keys of the users who ask for a credentials Secret, by its key. */
export const usersBySecret: Index = { name: 'users by Secret' };
export const usersByUid: Index = { name: 'users by UID' };

/** Puts an object in place of the one with its key, or takes that away. One that is being deleted counts as gone. */
export function setObject(world: World, kind: Kind, key: string, object: RawObject | undefined): void {
  const next = object?.meta.deletionTimestamp === undefined ? object : undefined;
  const before = read(world, objects[kind], key);
  setFact(world, objects[kind], key, next);
  setFact(world, previousStatuses[kind], key, next?.status);
  const entries = next === undefined ? [] : indexEntries(next);
  const isEntry = (one: Entry, all: readonly Entry[]): boolean =>
    all.some(([index, name]) => index === one[0] && name === one[1]);
  for (const entry of before === undefined ? [] : indexEntries(before)) {
    if (!isEntry(entry, entries)) removeFromIndex(world, entry, key);
  }
  for (const entry of entries) addToIndex(world, entry, key);
}

/** Keys in an index, in a fixed order. */
export function keysIn(world: World, index: Index, name: string): readonly string[] {
  return read(world, index, name) ?? [];
}

type Entry = readonly [index: Index, name: string];

function indexEntries({ kind, meta, spec }: RawObject): Entry[] {
  switch (kind) {
    case 'SmtpPlusList':
      return meta.annotations[DEFAULT_LIST_ANNOTATION] === 'true' ? [[defaultListsOfNamespace, meta.namespace]] : [];
    case 'SmtpPlusUser':
      return [
        ...(isDefaultUsername(meta, wishedUsername({ meta, spec }))
          ? []
          : [[usersByUsername, wishedUsername({ meta, spec })] satisfies Entry]),
        [usersBySecret, `${meta.namespace}/${wishedSecretName({ meta, spec })}`],
        [usersByUid, meta.uid],
      ];
    case 'VerifiedSender': {
      const isShared = !['Same', undefined].includes(textAt(spec, 'allowedNamespaces', 'from'));
      return isShared
        ? [
            [sendersOfNamespace, meta.namespace],
            [sharedSenders, ''],
          ]
        : [[sendersOfNamespace, meta.namespace]];
    }
  }
}

/** What a user object asks for, before anything about it has been checked. */
export function wishedUsername({ meta, spec }: Pick<RawObject, 'meta' | 'spec'>): string {
  return textAt(spec, 'username') ?? `${meta.name}.${meta.namespace}`;
}

/** NAME.NAMESPACE: a namespace has no dot in its name, so that this can be read in one way only and is nobody else's. */
export function isDefaultUsername({ name, namespace }: ObjectMeta, username: string): boolean {
  return username === `${name}.${namespace}`;
}

interface Named {
  readonly namespace: string;
  readonly name: string;
}

export function wishedSecretName({ meta, spec }: { readonly meta: Named; readonly spec: unknown }): string {
  return textAt(spec, 'credentials', 'secretName') ?? `${meta.name}-smtp`;
}

/** The Secret with a password of people's own that a user names, and the key in it. */
export function passwordReference({ spec }: Pick<RawObject, 'spec'>): { name: string; key: string } | undefined {
  const name = textAt(spec, 'credentials', 'passwordSecretRef', 'name');
  const key = textAt(spec, 'credentials', 'passwordSecretRef', 'key') ?? 'password';
  return name === undefined ? undefined : { name, key };
}

function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = path.reduce<unknown>(
    (at, step) => (typeof at === 'object' && at !== null ? (at as Readonly<Record<string, unknown>>)[step] : undefined),
    value,
  );
  return typeof found === 'string' ? found : undefined;
}

function addToIndex(world: World, [index, name]: Entry, key: string): void {
  const keys = keysIn(world, index, name);
  const at = placeIn(keys, key);
  if (keys[at] !== key) setFact(world, index, name, keys.toSpliced(at, 0, key));
}

function removeFromIndex(world: World, [index, name]: Entry, key: string): void {
  const keys = keysIn(world, index, name);
  const at = placeIn(keys, key);
  if (keys[at] === key) setFact(world, index, name, keys.length === 1 ? undefined : keys.toSpliced(at, 1));
}

/** Where a key is, or would be, among sorted ones. */
function placeIn(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** All of a snapshot's facts. Returns the keys of its objects, by kind. */
export function setSnapshot(world: World, snapshot: Snapshot): void {
  for (const [name, view] of snapshot.classes) setFact(world, classes, name, view);
  setFact(world, classNames, '', [...snapshot.classes.keys()].sort());
  setFact(world, verification, '', snapshot.verification);
  setFact(world, howToVouch, '', snapshot.howToVouch);
  for (const [name, labels] of snapshot.namespaces) setFact(world, namespaceLabels, name, labels);
  for (const [key, secret] of snapshot.secrets) setFact(world, secrets, key, secret);
  for (const [key, trouble] of snapshot.secretTroubles ?? []) setFact(world, secretTroubles, key, trouble);
  for (const [key, evidence] of snapshot.dns) setFact(world, dnsEvidence, key, evidence);
  for (const [name, fact] of snapshot.programmed) setFact(world, programmedFacts, name, fact);
  for (const key of snapshot.leftOut ?? []) setFact(world, leftOutEntries, key, true);
  for (const object of snapshot.objects) setObject(world, object.kind, keyOf(object.meta), object);
}
