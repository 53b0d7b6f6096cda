/** The first half of a namespace's turns: what other namespaces may see of it. */
import { isEqual } from './equal.ts';
import { guarded, type Fault } from './faults.ts';
import { isAnnotatedDefault } from './lists/lists.ts';
import { farewellOf } from './lists/farewell.ts';
import { takeSome } from './marks.ts';
import { keyOf, type PlannedEvent, type RawObject } from './model.ts';
import { BUILT_IN_LIST } from './names.ts';
import { judgeNamespace, type NamespaceVerdicts } from './namespace.ts';
import { overflowAmong, namespaceLimit, whyWaiting } from './namespace-limits.ts';
import {
  createDraft,
  guestOf,
  markInterested,
  markPlan,
  markRules,
  namespaceIn,
  namespaceOf,
  present,
  type PlannedNamespace,
  type Planner,
  type Turn,
} from './planner-state.ts';
import { setListEntry, setSigner } from './relay-entries.ts';
import { classesWithoutKeys } from './relay-facts.ts';
import { concerns, shareClaim, shareVerdicts, type SharedChanges } from './shared.ts';
import type { Guest } from './selector.ts';
import { senderFarewells } from './senders/farewell.ts';
import { secretReferencesOf } from './secret-references.ts';
import { storedCredentials } from './credentials/stored-credentials.ts';
import { parseObject } from './parse.ts';
import { listAskedFor } from './users/user-list.ts';
import { claimOf } from './users/usernames.ts';
import { isDefaultUsername, wishedList, wishedSecretName, wishedUsername } from './users/wishes.ts';

/**
 * Users whose references are read in one turn: some tens of milliseconds, so that a namespace of thousands holds up
 * nobody.
 */
const REFERENCES_MAX = 500;

/** Judges its lists and senders, and reads what its users refer to; marks whoever sees something change by that. */
export function judgeTurn(planner: Planner, name: string, now: Date): Turn {
  const namespace = namespaceIn(planner, name);
  const { marks } = namespace;
  const before = namespace.verdicts;
  const draft = createDraft();
  const { faults } = draft;
  if (marks.judge) faults.push(...judgeObjects(planner, name, namespace, now));
  draft.farewells.push(...farewellsOf(planner, name, before));
  if (before !== undefined && namespace.verdicts !== undefined) {
    const guests = (): Guest[] => [...planner.namespaces.keys()].map((guest) => guestOf(planner, guest));
    draft.farewells.push(...senderFarewells(before.senders, namespace.verdicts.senders, guests));
  }
  marks.judge = false;
  if (marks.references.size > 0) assignPlaces(planner, name, namespace);
  for (const key of takeSome(marks.references, REFERENCES_MAX)) {
    const user = present(planner, 'SmtpPlusUser', key);
    if (user === undefined) readReferences(planner, namespace, key);
    else
      guarded(
        user,
        faults,
        () => readReferences(planner, namespace, key),
        () => undefined,
      );
  }
  return draft;
}

/** Which of its users are served; marks those of whom something else is true than before. */
function assignPlaces({ sources, platform }: Planner, name: string, namespace: PlannedNamespace): void {
  const before = namespace.overflow;
  const most = namespaceLimit(platform.namespaceLimits, 'SmtpPlusUser', name);
  if (before === undefined && sources.countOf('SmtpPlusUser', name) <= most) return;
  const after = overflowAmong(presentOf(sources.objectsOf('SmtpPlusUser', name)), platform);
  namespace.overflow = after;
  const isSaidAnew = !isEqual(before?.judgement, after?.judgement);
  for (const key of new Set([...(before?.waiting ?? []), ...(after?.waiting ?? [])])) {
    const waits = [before, after].map((overflow) => overflow?.waiting.has(key) === true);
    if (waits[0] === waits[1] && !isSaidAnew) continue;
    namespace.marks.references.add(key);
    namespace.marks.users.add(key);
  }
}

function judgeObjects(planner: Planner, name: string, namespace: PlannedNamespace, now: Date): Fault[] {
  const { sources, platform, shared } = planner;
  const lists = presentOf(sources.objectsOf('SmtpPlusList', name));
  const senders = presentOf(sources.objectsOf('VerifiedSender', name));
  const before = namespace.verdicts;
  const after = judgeNamespace(
    { lists, senders },
    {
      platform,
      guest: guestOf(planner, name),
      now,
      secretOf: (secret) => sources.secret(`${name}/${secret}`),
      evidenceOf: sources.evidenceOf,
      keysOf: sources.keysOf,
      mailOf: sources.mailOf,
      withoutKeys: (sender) => classesWithoutKeys(planner, sender),
    },
  );
  namespace.verdicts = after;
  planner.alarms.set(name, after.until);
  const changes = shareVerdicts(shared, before, after);
  const faults = noteLists(planner, name, lists, { before, after, changes });
  noteSenders(planner, name, { before, after, changes });
  return [...after.faults, ...faults];
}

interface Change {
  readonly before: NamespaceVerdicts | undefined;
  readonly after: NamespaceVerdicts;
  /** What others see of it. */
  readonly changes: SharedChanges;
}

/** Notes what lists refer to, and marks whoever belongs to one that has changed. */
function noteLists(
  planner: Planner,
  name: string,
  lists: readonly RawObject[],
  { before, after, changes }: Change,
): Fault[] {
  const { interests, relays } = planner;
  const { marks } = namespaceIn(planner, name);
  const faults: Fault[] = [];
  for (const list of lists) {
    const secrets = guarded<string[]>(
      list,
      faults,
      () => secretsOf(list),
      () => [],
    );
    interests.set(`SmtpPlusList ${keyOf(list.meta)}`, secrets);
    // which of several is the default is said in the status of each
    if (isAnnotatedDefault(list.meta)) marks.lists.add(keyOf(list.meta));
  }
  for (const key of changes.lists) {
    if (!after.lists.has(key)) interests.set(`SmtpPlusList ${key}`, []);
    setListEntry(relays, key, after.lists.get(key)?.terms);
    marks.lists.add(key);
    markInterested(planner, `list ${key}`);
  }
  const isDefaultConcerned =
    before?.defaultList !== after.defaultList || changes.lists.includes(`${name}/${after.defaultList}`);
  if (isDefaultConcerned) markInterested(planner, `default list of ${name}`);
  return faults;
}

/** Hands signing keys to the relays, and marks whoever may send by a sender that has changed. */
function noteSenders(planner: Planner, name: string, { before, after, changes }: Change): void {
  const namespace = namespaceIn(planner, name);
  for (const key of new Set([...(before?.senders.keys() ?? []), ...after.senders.keys()])) {
    setSigner(planner.relays, key, after.senders.get(key)?.dns?.signer);
  }
  for (const [key, verdict] of after.senders) {
    // an address may be covered by a domain, and say how that was verified
    if (!isEqual(before?.senders.get(key), verdict)) namespace.marks.senders.add(key);
  }
  if (!isSameSenders(before, after)) markRules(planner, name);
  if (!isEqual(before?.ownRules, after.ownRules)) {
    const named = [...planner.interests.of(`own senders of ${name}`)];
    for (const object of named) readReferences(planner, namespace, object.slice(object.indexOf(' ') + 1));
  }
  if (changes.senders.length === 0) return;
  for (const guest of planner.namespaces.keys()) {
    if (concerns(changes.senders, guestOf(planner, guest))) markRules(planner, guest);
  }
}

/** About lists that were there when the namespace was last judged, before their users are planned without them. */
function farewellsOf(planner: Planner, name: string, before: NamespaceVerdicts | undefined): PlannedEvent[] {
  const { interests, relays, platform } = planner;
  const { verdicts } = namespaceIn(planner, name);
  const gone = [...(before?.listMetas ?? [])].filter(([key]) => verdicts?.listMetas.has(key) === false);
  return gone.flatMap(([key, meta]) => {
    const usersOf = (thing: string): string[] =>
      [...interests.of(thing)]
        .map((object) => object.slice(object.indexOf(' ') + 1))
        .filter((user) => {
          const { entry } = relays.users.get(user) ?? {};
          return entry?.config.list === key && entry.isActive && present(planner, 'SmtpPlusUser', user) !== undefined;
        });
    const next = listAskedFor(name, undefined, verdicts?.defaultList);
    const { terms } = (next === BUILT_IN_LIST ? platform.builtInList : verdicts?.lists.get(next)) ?? {};
    const successor = terms === undefined ? undefined : next;
    const [naming, byDefault] = [usersOf(`list ${key}`), usersOf(`default list of ${name}`)];
    return farewellOf({ meta, naming, byDefault, successor }) ?? [];
  });
}

/** What a user refers to, and what it says about its user name. */
function readReferences(planner: Planner, { verdicts, overflow }: PlannedNamespace, key: string): void {
  const object = `SmtpPlusUser ${key}`;
  const user = present(planner, 'SmtpPlusUser', key);
  const before = planner.interests.things(object);
  // one that is not served yet stands in nobody's way
  const isWaiting = user !== undefined && whyWaiting(overflow, user) !== undefined;
  const named = user === undefined ? [] : thingsOf(user);
  const changed = planner.interests.set(object, isWaiting ? named.filter(isOfWaiting) : named);
  const things = new Set([...before, ...planner.interests.things(object)]);
  // others who ask for the same Secret or user name may lose it by this, or get it
  for (const thing of changed.length === 0 ? [] : things) {
    const isContested = thing.startsWith('claimed Secret ') || thing.startsWith('user name ');
    if (isContested) for (const other of planner.interests.of(thing)) markPlan(planner, other);
  }
  // Secrets that it controls, or that an earlier user of its name did, may not be wanted any more
  for (const thing of things) if (thing.startsWith('uid ')) markSecretsOf(planner, thing);
  const username = user && wishedUsername(user);
  for (const thing of new Set([...before, `user name ${username}`])) {
    if (!thing.startsWith('user name ')) continue;
    const name = thing.slice('user name '.length);
    const secretOf = (secret: string) => planner.sources.secret(`${namespaceOf(key)}/${secret}`);
    const claim =
      user !== undefined && !isWaiting && name === username
        ? claimOf(
            user,
            verdicts?.ownRules ?? [],
            storedCredentials(user, { secretOf, issuer: planner.platform.issuer }).length > 0,
          )
        : undefined;
    if (shareClaim(planner.shared, { username: name, user: key }, claim)) markInterested(planner, thing);
  }
}

function markSecretsOf(planner: Planner, uid: string): void {
  for (const owned of planner.interests.of(uid)) {
    if (!owned.startsWith('Secret ')) continue;
    const key = owned.slice('Secret '.length);
    namespaceIn(planner, namespaceOf(key)).marks.secrets.add(key);
  }
}

function thingsOf(user: RawObject): string[] {
  const { namespace, uid } = user.meta;
  const username = wishedUsername(user);
  const list = wishedList(user);
  return [
    `uid ${uid}`,
    ...secretsOf(user),
    // one that cannot be understood claims nothing
    ...(parseObject('SmtpPlusUser', user).ok ? [`claimed Secret ${namespace}/${wishedSecretName(user)}`] : []),
    list === undefined ? `default list of ${namespace}` : `list ${list}`,
    ...(isDefaultUsername(user.meta, username) ? [] : [`user name ${username}`, `own senders of ${namespace}`]),
  ];
}

/**
 * Whether a thing matters for a user who has to wait: it decides whether it is ours to say so, and whether a Secret is
 * still its own.
 */
function isOfWaiting(thing: string): boolean {
  return ['uid ', 'list ', 'default list '].some((start) => thing.startsWith(start));
}

function secretsOf(object: RawObject): string[] {
  return secretReferencesOf(object).map(({ secret }) => `Secret ${secret}`);
}

function isSameSenders(before: NamespaceVerdicts | undefined, after: NamespaceVerdicts): boolean {
  return before !== undefined && isEqual([...before.senders], [...after.senders]);
}

function presentOf(objects: Iterable<RawObject>): RawObject[] {
  return [...objects].filter(({ meta }) => meta.deletionTimestamp === undefined);
}
