/** The second half of a namespace's turns: what to do about its objects. */
import { isOrphan } from './credentials/orphans.ts';
import { isEqual } from './equal.ts';
import { guarded, internalError, type Fault } from './faults.ts';
import { conditionsOf } from './conditions.ts';
import { planList, type ListPlan } from './lists/lists.ts';
import type { ListVerdict } from './lists/list-verdict.ts';
import { keyOf, type RawObject } from './model.ts';
import { whyWaiting } from './namespace-limits.ts';
import { takeSome } from './marks.ts';
import { BUILT_IN_LIST } from './names.ts';
import {
  createDraft,
  guestOf,
  markPlan,
  namespaceIn,
  present,
  type Draft,
  type PlannedNamespace,
  type Planner,
  type Turn,
} from './planner-state.ts';
import { acceptedPasswords, setNamespaceEntry, setUserParts } from './relay-entries.ts';
import { NOTHING_TOLD, programmedIn, toldOf } from './relay-facts.ts';
import { namespaceRulesOf } from './senders/sender-rules.ts';
import { labelFarewells } from './senders/farewell.ts';
import { planSender, type SenderPlan } from './senders/sender-plan.ts';
import { parseObject } from './parse.ts';
import type { UserCircumstances } from './users/circumstances.ts';
import { relayEntryOf, planUser, type UserPlan } from './users/user-plan.ts';
import { judgeUser, type UserVerdict } from './users/users.ts';
import { earliestAfter } from './time.ts';
import { listAskedFor } from './users/user-list.ts';
import { wishedList, wishedSecretName, wishedUsername } from './users/wishes.ts';

/** Users planned in one turn: a tenth of a second at the most, so that a namespace of thousands holds up nobody. */
const USERS_MAX = 200;

export function planTurn(planner: Planner, name: string, now: Date): Turn {
  const namespace = namespaceIn(planner, name);
  const { marks } = namespace;
  const draft = createDraft();
  if (marks.rules) renewRules(planner, name, namespace, draft);
  const around = circumstancesOf(planner, name, namespace, now);
  for (const key of takeSome(marks.users, USERS_MAX)) planOneUser(planner, key, around, draft);
  // for a class whose relays serve the namespace's first user from now on, or no longer serve its last one
  setNamespaceEntry(planner.relays, name, namespace.rules.rules);
  for (const key of takeSome(marks.senders)) planOneSender(planner, key, namespace, now, draft);
  // after the users, who are counted in the status of their list
  for (const key of takeSome(marks.lists)) planOneList(planner, key, namespace, now, draft);
  for (const key of takeSome(marks.secrets)) lookAtSecret(planner, key, draft);
  return draft;
}

function renewRules(planner: Planner, name: string, namespace: PlannedNamespace, draft: Draft): void {
  const { marks, verdicts } = namespace;
  marks.rules = false;
  const guest = guestOf(planner, name);
  const others = planner.shared.senders;
  // a namespace that is gone has no labels, and needs no senders
  if (planner.sources.labelsOf(name) !== undefined) {
    draft.farewells.push(...labelFarewells(others.values(), namespace.guest, guest));
  }
  namespace.guest = guest;
  const rules = namespaceRulesOf(verdicts?.senders.values() ?? [], others.values(), guest);
  if (isEqual(rules, namespace.rules)) return;
  namespace.rules = rules;
  // before the users, whose statuses say whether relays run it
  setNamespaceEntry(planner.relays, name, rules.rules);
  for (const { meta } of planner.sources.objectsOf('SmtpPlusUser', name)) marks.users.add(keyOf(meta));
}

function circumstancesOf(
  planner: Planner,
  name: string,
  { verdicts, rules, overflow }: PlannedNamespace,
  now: Date,
): UserCircumstances {
  const { sources, platform, shared, interests } = planner;
  return {
    platform,
    guest: guestOf(planner, name),
    rules,
    ownRules: verdicts?.ownRules ?? [],
    defaultList: verdicts?.defaultList,
    listOf: (key) => listOf(planner, key),
    secretOf: (secret) => sources.secret(`${name}/${secret}`),
    claimantsOf: (secret) =>
      [...interests.of(`claimed Secret ${name}/${secret}`)].flatMap((object) => {
        const user = present(planner, 'SmtpPlusUser', object.slice('SmtpPlusUser '.length));
        // it may have changed since: then it is to be read anew, and whoever it concerns is planned again
        const isClaimant =
          user !== undefined && parseObject('SmtpPlusUser', user).ok && wishedSecretName(user) === secret;
        return isClaimant ? [user.meta] : [];
      }),
    claimsOn: (user) => [...(shared.claims.get(wishedUsername(user))?.values() ?? [])],
    secretTroubleOf: sources.secretTroubleOf,
    whyWaiting: (user) => whyWaiting(overflow, user),
    usageOf: (user) => sources.usage(`SmtpPlusUser ${user}`),
    acceptedOf: (user) => acceptedPasswords(planner.relays, user) ?? sources.accepted(user),
    now,
  };
}

function listOf({ shared, platform }: Planner, key: string): ListVerdict | undefined {
  return key === BUILT_IN_LIST ? platform.builtInList : shared.lists.get(key);
}

function planOneUser(planner: Planner, key: string, around: UserCircumstances, draft: Draft): void {
  const object = present(planner, 'SmtpPlusUser', key);
  const faultsBefore = draft.faults.length;
  const verdict = object && judgeHere(planner, object, around, draft.faults);
  if (object === undefined || verdict === undefined) {
    draft.users.set(key, undefined);
    planner.alarms.set(key, undefined);
    forget(planner, `SmtpPlusUser ${key}`);
    markCounted(planner, setUserParts(planner.relays, key, undefined));
    return;
  }
  const { platform, now } = around;
  const { admitted, unusable } = verdict;
  // what relays know of it stays as it was where the fault is ours
  const isJudged = draft.faults.length === faultsBefore;
  if (isJudged) {
    const { uid } = object.meta;
    markCounted(
      planner,
      setUserParts(planner.relays, key, { uid, entry: admitted && relayEntryOf(admitted), unusable }),
    );
  }
  if (isLeftToSpeaker(planner, object, verdict)) {
    if (isJudged) planner.alarms.set(key, verdict.until);
    draft.users.set(key, undefined);
    forget(planner, `SmtpPlusUser ${key}`);
    return;
  }
  const programmed =
    admitted &&
    programmedIn(planner, admitted.terms.className, [admitted.username, object.meta.namespace, admitted.list]);
  const told = admitted && toldOf(planner, admitted.terms.className, admitted.list);
  const usage = around.usageOf(key);
  const report = { platform, programmed, ...(told ?? NOTHING_TOLD), usage, now };
  const plan = (): UserPlan => planUser(object, verdict, report);
  const planned = published(planner, { object, className: admitted?.terms.className, now, draft }, plan);
  draft.users.set(key, planned);
  if (isJudged) planner.alarms.set(key, earliestAfter(now, [verdict.until, planned.until]));
}

/** What a user comes to; undefined where another installation serves its list. */
function judgeHere(
  planner: Planner,
  object: RawObject,
  around: UserCircumstances,
  faults: Fault[],
): UserVerdict | undefined {
  return guarded<UserVerdict | undefined>(
    object,
    faults,
    () => (isServedElsewhere(planner, object) ? undefined : judgeUser(object, around)),
    () => ({ meta: object.meta, accepted: internalError('Accepted'), until: undefined }),
  );
}

/** Its Secret and its status are the affair of whoever serves its list. */
function isServedElsewhere(planner: Planner, user: RawObject): boolean {
  return listOfUser(planner, user)?.isServedElsewhere === true;
}

function listOfUser(planner: Planner, user: RawObject): ListVerdict | undefined {
  const { namespace } = user.meta;
  const { verdicts } = namespaceIn(planner, namespace);
  return listOf(planner, wishedList(user) ?? listAskedFor(namespace, undefined, verdicts?.defaultList));
}

/** Whoever served a list that is gone goes on telling those who log in; one installation alone says so in the status. */
function isLeftToSpeaker(planner: Planner, user: RawObject, { accepted }: UserVerdict): boolean {
  if (planner.platform.otherInstallations.speaksForAll) return false;
  if (accepted.reason === 'ListNotFound') return true;
  // nobody has looked for its list
  return accepted.reason === 'TooManyUsers' && listOfUser(planner, user) === undefined;
}

function planOneList(planner: Planner, key: string, { verdicts }: PlannedNamespace, now: Date, draft: Draft): void {
  const id = `SmtpPlusList ${key}`;
  const object = present(planner, 'SmtpPlusList', key);
  const verdict = verdicts?.lists.get(key);
  if (object === undefined || verdict === undefined || verdict.isServedElsewhere) {
    draft.lists.set(key, undefined);
    forget(planner, id);
    return;
  }
  const className = verdict.terms?.className;
  const report = {
    users: planner.relays.tallies.get(key) ?? { total: 0, active: 0 },
    classes: planner.platform.classes,
    programmed: className === undefined ? undefined : programmedIn(planner, className, [key]),
    ...(className === undefined ? NOTHING_TOLD : toldOf(planner, className, key)),
    usage: planner.sources.usage(id),
    now,
  };
  const plan = (): ListPlan => planList(object, verdict, report);
  draft.lists.set(key, published(planner, { object, className, now, draft }, plan));
}

function planOneSender(planner: Planner, key: string, { verdicts }: PlannedNamespace, now: Date, draft: Draft): void {
  const id = `VerifiedSender ${key}`;
  const object = present(planner, 'VerifiedSender', key);
  const verdict = verdicts?.senders.get(key);
  const { speaksForAll } = planner.platform.otherInstallations;
  if (object === undefined || verdict === undefined || !speaksForAll) {
    draft.senders.set(key, undefined);
    forget(planner, id);
    return;
  }
  const circumstances = {
    verification: planner.platform.verification,
    publicationOf: planner.sources.publicationOf,
    now,
  };
  const plan = (): SenderPlan => planSender(object, verdict, circumstances);
  draft.senders.set(key, published(planner, { object, className: undefined, now, draft }, plan));
}

function lookAtSecret(planner: Planner, key: string, draft: Draft): void {
  const { sources, interests } = planner;
  const secret = sources.secret(key);
  interests.set(`Secret ${key}`, secret?.controllerUid === undefined ? [] : [`uid ${secret.controllerUid}`]);
  const userOf = (uid: string): RawObject | undefined => {
    const user = [...interests.of(`uid ${uid}`)].find((object) =>
      object.startsWith(`SmtpPlusUser ${secret?.namespace}/`),
    );
    return user === undefined ? undefined : sources.object('SmtpPlusUser', user.slice('SmtpPlusUser '.length));
  };
  const owner = secret?.controllerUid === undefined ? undefined : userOf(secret.controllerUid);
  const isOthers =
    owner !== undefined &&
    guarded(
      owner,
      draft.faults,
      () => isServedElsewhere(planner, owner),
      () => true,
    );
  draft.secrets.set(key, secret !== undefined && !isOthers && isOrphan(secret, userOf));
}

interface Publication {
  readonly object: RawObject;
  /** Absent where no relay is to run it. */
  readonly className: string | undefined;
  readonly now: Date;
  readonly draft: Draft;
}

/** The plan of an object; of its events, those are made that were not made before. */
function published<Plan extends Pick<UserPlan | ListPlan | SenderPlan, 'status' | 'events'>>(
  { awaiting, announced }: Planner,
  { object, className, now, draft }: Publication,
  make: () => Plan,
): Plan | ReturnType<typeof failedPlan> {
  const plan = guarded<Plan | ReturnType<typeof failedPlan>>(object, draft.faults, make, () => failedPlan(object, now));
  const id = `${object.kind} ${keyOf(object.meta)}`;
  if (className === undefined || saysProgrammed(plan.status)) awaiting.delete(id);
  else awaiting.set(id, className);
  // a plan may be made again before a status shows that its events were made
  const before = announced.get(id) ?? [];
  draft.events.push(...plan.events.filter((event) => !before.some((old) => isEqual(old, event))));
  if (plan.events.length === 0) announced.delete(id);
  else announced.set(id, plan.events);
  return plan;
}

/** Asks the plan, not the status that is there: what is on its way to that may be older than this plan, or newer. */
function saysProgrammed({ conditions }: Pick<UserPlan['status'], 'conditions'>): boolean {
  return conditions?.some(({ type, status }) => type === 'Programmed' && status === 'True') === true;
}

function forget({ awaiting, announced }: Planner, id: string): void {
  awaiting.delete(id);
  announced.delete(id);
}

function markCounted(planner: Planner, lists: readonly string[]): void {
  for (const list of lists) markPlan(planner, `SmtpPlusList ${list}`);
}

/** Without its status as it was, which may be what the fault is about. */
function failedPlan({ kind, meta }: RawObject, now: Date) {
  const conditions = conditionsOf({ kind, meta }, [], internalError('Ready'), now);
  const status = { observedGeneration: meta.generation, conditions };
  return { meta, status, fields: undefined, until: undefined, events: [] };
}
