/** SmtpPlusLists: what each comes to under its class, and its status. */
import type { ConditionReason } from '../reasons.ts';
import { durationSeconds } from '../../api/duration.ts';
import { listSpec, type ListSpec, type ListStatus } from '../../api/list.ts';
import { canonicalSender } from '../../../relay/address.ts';
import type { ListConfig } from '../../../relay/config/config.ts';
import { conditionsOf, fieldsOf, readiness, readyAsWritten, type Fields, type Judgement } from '../conditions.ts';
import { eventsOf } from '../events.ts';
import type {
  ClassView,
  ObjectMeta,
  OtherInstallations,
  PlannedEvent,
  ProgrammedFact,
  RawObject,
  RelaysFact,
  SecretOf,
  UpstreamFact,
} from '../model.ts';
import { DEFAULT_CLASS, DEFAULT_LIST_ANNOTATION } from '../names.ts';
import { parseObject } from '../parse.ts';
import { serves, type Guest } from '../selector.ts';
import type { ListTerms, ListVerdict } from './list-verdict.ts';
import { limitsOfList, refusalsInWords, tightenMode, tightenPolicy, tightenStarttls, type Refusal } from './policy.ts';
import { guardNote, tightenRecipients } from './recipients.ts';
import { judgeProgrammed } from '../programmed.ts';
import { readyWithRoom } from '../relay-room.ts';
import { judgeReachable } from './reachable.ts';
import { textAt } from '../../api/plain-data.ts';
import { byAge, whyBefore } from '../time.ts';
import { usageOf, type UsageFact } from '../usage.ts';
import { judgeUpstream } from './upstream.ts';

/** Which relay classes there are, here and elsewhere. */
interface Classes {
  readonly classes: ReadonlyMap<string, ClassView>;
  readonly otherInstallations: OtherInstallations;
}

/** What a SmtpPlusList is judged by, besides itself. */
export interface ListCircumstances {
  readonly platform: Classes;
  /** Its namespace. */
  readonly guest: Guest;
  /** The default list of its namespace, where there is one. */
  readonly defaultList: ObjectMeta | undefined;
  readonly secretOf: SecretOf;
  /** Why it is not served, whatever it says; undefined: it is. */
  readonly waiting: Judgement | undefined;
}

export function judgeList(
  object: RawObject,
  { platform, guest, defaultList, secretOf, waiting }: ListCircumstances,
): ListVerdict {
  // before anything is said about it: what is wrong with the rest of its spec is for whoever serves it to say
  const className = textAt(object.spec, 'relayClassName') ?? DEFAULT_CLASS;
  if (isElsewhere(className, platform)) return servedElsewhere(className);
  if (waiting !== undefined) return { accepted: waiting };
  const parsed = parseObject('SmtpPlusList', object);
  if (!parsed.ok) return { accepted: notAccepted('InvalidSpec', parsed.message) };
  const { meta, spec } = parsed;
  const allowed = spec.allowedNamespaces;
  const view = platform.classes.get(spec.relayClassName);
  if (view === undefined) {
    return { allowed, accepted: notAccepted('RelayClassNotFound', noSuchClass(spec.relayClassName)) };
  }
  if (!serves(view.settings.allowedNamespaces, guest)) {
    return { allowed, accepted: notAccepted('RelayClassNotAllowed', notServed(spec.relayClassName, guest)) };
  }
  const { terms, refused } = termsOf({ namespace: meta.namespace, spec }, view, secretOf);
  return { allowed, terms, accepted: noted(acceptance(meta, spec.relayClassName, refused, defaultList), terms) };
}

/** Leaves alone what names a class of another installation, as an ingress controller does. */
function isElsewhere(className: string, { classes, otherInstallations }: Classes): boolean {
  const { classes: theirs, speaksForAll } = otherInstallations;
  return !classes.has(className) && (!speaksForAll || theirs.includes(className));
}

function servedElsewhere(className: string): ListVerdict {
  const message = `Relay class ${className} is another installation's.`;
  return { accepted: notAccepted('ServedElsewhere', message), isServedElsewhere: true };
}

/** For the owner of a list that names a relay class. */
export function noSuchClass(name: string): string {
  return `spec.relayClassName: there is no relay class ${name}; ask the platform owner which there are, and make a new list for it.`;
}

function notServed(className: string, { name }: Guest): string {
  return `spec.relayClassName: relay class ${className} takes no lists of namespace ${name}; make a new list for another class, or ask the platform owner to let your namespace use this one (its setting allowedNamespaces).`;
}

/** For users whose namespace has no default list: all defaults, under the class `default`. */
export function judgeBuiltInList(platform: Classes): ListVerdict {
  if (isElsewhere(DEFAULT_CLASS, platform)) return servedElsewhere(DEFAULT_CLASS);
  const allowed = { from: 'All' } as const;
  const view = platform.classes.get(DEFAULT_CLASS);
  if (view === undefined) {
    return {
      allowed,
      accepted: notAccepted(
        'RelayClassNotFound',
        `There is no relay class ${DEFAULT_CLASS}; name a list in spec.listRef, or ask the platform owner for that class.`,
      ),
    };
  }
  const { terms } = termsOf({ namespace: '', spec: listSpec.parse({}) }, view, () => undefined);
  return { allowed, terms, accepted: accepted('Accepted', 'Built in.') };
}

/** What a list comes to that a class serves. */
export function termsOf(
  owner: { readonly namespace: string; readonly spec: ListSpec },
  view: ClassView,
  secretOf: SecretOf,
): { readonly terms: ListTerms; readonly refused: readonly Refusal[] } {
  const { spec } = owner;
  const starttls = tightenStarttls(view.settings.starttls, spec.starttls);
  const policy = tightenPolicy(view.settings.senderPolicy, spec.senderPolicy);
  const recipients = tightenRecipients(view.settings.recipients, spec.recipients);
  const limits = limitsOfList(view.settings.limits, spec.limits);
  const mode = tightenMode(view.settings.spool, spec.delivery.mode);
  const upstream = judgeUpstream(owner, view, secretOf);
  const config: ListConfig = {
    suspended: spec.suspend,
    starttls: starttls.value,
    upstream: upstream.config,
    senderPolicy: policy.value,
    ...(recipients.value !== undefined && { recipients: recipients.value }),
    delivery: {
      mode: mode.value,
      maxAgeSeconds: durationSeconds(spec.delivery.maxAge),
      delayNoticeAfterSeconds: durationSeconds(spec.delivery.delayNoticeAfter),
      // an address of the platform's: smart hosts of tenants do not know it
      ...(view.settings.reports !== undefined &&
        spec.upstream === undefined && { reportsFrom: canonicalSender(view.settings.reports.from) }),
    },
  };
  const { relayClassName: className, pauseAbove } = spec;
  const { allowedNamespaces: servedNamespaces } = view.settings;
  const terms = {
    className,
    servedNamespaces,
    config,
    limits: limits.value,
    pauseAbove,
    upstream: upstream.judgement,
  };
  const refused = [starttls, policy, recipients, limits, mode].flatMap((part) => part.refused);
  return { terms, refused };
}

function acceptance(
  meta: ObjectMeta,
  className: string,
  refused: readonly Refusal[],
  defaultList: ObjectMeta | undefined,
): Judgement {
  const [first] = refused;
  if (first !== undefined) {
    const message = `Accepted by class ${className}, which a list may tighten but not loosen: ${refusalsInWords(refused)}.`;
    return { ...accepted('ClassFloor', message), field: first.field };
  }
  if (isAnnotatedDefault(meta) && defaultList !== undefined && defaultList.name !== meta.name) {
    const why = whyBefore(defaultList, meta);
    const message = `Accepted by class ${className}, but not as the default list of namespace ${meta.namespace}: that is ${defaultList.name}, ${why}. Remove the annotation ${DEFAULT_LIST_ANNOTATION} from one of them.`;
    return { ...accepted('NotTheDefault', message), field: ['metadata', 'annotations'] };
  }
  return accepted('Accepted', `Accepted by class ${className}.`);
}

function noted(judgement: Judgement, { config }: ListTerms): Judgement {
  return { ...judgement, message: judgement.message + guardNote(config.recipients) };
}

/** The list that takes the users of a namespace who name none: the oldest that is annotated so. */
export function defaultListOf(lists: readonly RawObject[]): ObjectMeta | undefined {
  const metas = lists.map(({ meta }) => meta).filter(isAnnotatedDefault);
  return metas.sort(byAge)[0];
}

export function isAnnotatedDefault({ annotations }: ObjectMeta): boolean {
  return annotations[DEFAULT_LIST_ANNOTATION] === 'true';
}

function accepted(reason: ConditionReason, message: string): Judgement {
  return { type: 'Accepted', status: 'True', reason, message };
}

function notAccepted(reason: ConditionReason, message: string): Judgement {
  return { type: 'Accepted', status: 'False', reason, message };
}

export interface ListPlan {
  readonly meta: ObjectMeta;
  readonly status: ListStatus;
  readonly fields: Fields | undefined;
  readonly events: readonly PlannedEvent[];
}

/** Users of a list. */
export interface UserCounts {
  readonly total: number;
  /** Those that can send. */
  readonly active: number;
}

/** What a list's status tells of, besides its verdict. */
export interface ListReport {
  readonly users: UserCounts;
  readonly classes: Classes['classes'];
  /** Whether its entry in the relays' configuration is in force; absent where it has none. */
  readonly programmed: ProgrammedFact | undefined;
  /** Facts about the relays of its class and about its upstream; absent where nothing is known. */
  readonly relays: RelaysFact | undefined;
  readonly upstream: UpstreamFact | undefined;
  readonly usage: UsageFact | undefined;
  readonly now: Date;
}

/** What there is to do about a SmtpPlusList. */
export function planList(object: RawObject, { terms, accepted }: ListVerdict, report: ListReport): ListPlan {
  const { meta } = object;
  const programmed = judgeProgrammed(object, terms && { className: terms.className, fact: report.programmed });
  const upstream = terms?.upstream ?? notJudged('UpstreamResolved');
  const reachable =
    terms === undefined
      ? notJudged('UpstreamReachable')
      : judgeReachable(object, terms, { relays: report.relays, upstream: report.upstream, programmed });
  const judgements = [accepted, upstream, reachable, programmed];
  const ready = readyAsWritten(object, readinessOf(terms, judgements, report));
  const view = terms && report.classes.get(terms.className);
  const { traffic: counted } = usageOf(object, report.usage);
  const status: ListStatus = {
    observedGeneration: meta.generation,
    conditions: conditionsOf(object, judgements, ready, report.now),
    ...(view !== undefined && { endpoint: endpointOf(view) }),
    users: report.users,
    ...(counted !== undefined && { traffic: counted }),
  };
  return { meta, status, fields: fieldsOf(judgements), events: eventsOf(object, [...judgements, ready]) };
}

function notJudged(type: string): Judgement {
  const message = 'Not checked, because the list is not accepted.';
  return { type, status: 'Unknown', reason: 'NotAccepted', message };
}

/** What becomes of mail counts where it is known, and where the owner wishes that there is any. */
function readinessOf(
  terms: ListTerms | undefined,
  judgements: readonly Judgement[],
  { relays }: ListReport,
): Judgement {
  const isWanted = terms?.config.suspended === false;
  const counting = judgements.filter(
    ({ type, status }) => type !== 'UpstreamReachable' || (isWanted && status === 'False'),
  );
  const ready = readiness(counting, wishedFor(terms));
  return isWanted ? readyWithRoom(ready, terms.className, relays) : ready;
}

/** A list that is suspended as its owner wishes is as ready as any: `Ready` says that the wish is fulfilled. */
function wishedFor(terms: ListTerms | undefined): { reason: ConditionReason; message: string } {
  if (terms?.config.suspended) {
    return { reason: 'Suspended', message: 'Suspended, as spec.suspend says: its users are refused.' };
  }
  return { reason: 'Ready', message: 'In force. The status of each of its users says whether that one can send.' };
}

/** CRD bound of every list of ports. */
const PORTS_MAX = 16;

/** Where clients connect. */
export function endpointOf({ settings, ports, implicitTlsPorts }: ClassView): NonNullable<ListStatus['endpoint']> {
  return {
    host: settings.hostname,
    ports: ports.slice(0, PORTS_MAX),
    implicitTlsPorts: implicitTlsPorts.slice(0, PORTS_MAX),
  };
}
