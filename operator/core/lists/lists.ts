/** SmtpPlusLists: what each comes to under its class, and its status. */
import type { AllowedNamespaces } from '../../api/common.ts';
import { durationSeconds } from '../../api/duration.ts';
import { listSpec, type ListSpec, type ListStatus } from '../../api/list.ts';
import { notInEffect } from '../../api/not-in-effect.ts';
import type { Limits, ListConfig } from '../../../relay/config.ts';
import { conditionsOf, readiness, readyAsWritten, withNote, type Judgement } from '../conditions.ts';
import { eventsOf } from '../events.ts';
import { classes, defaultListsOfNamespace, keysIn, objects, type Tally, tallies } from '../facts.ts';
import type { ClassView, ObjectMeta, PlannedEvent } from '../model.ts';
import { BUILT_IN_LIST, DEFAULT_CLASS, DEFAULT_LIST_ANNOTATION } from '../names.ts';
import { parsedLists } from '../parse.ts';
import { limitsOfList, tightenPolicy, tightenStarttls } from './policy.ts';
import { guardNote, tightenRecipients } from './recipients.ts';
import { judgeProgrammed } from '../configuration/programmed.ts';
import { byAge, whyBefore } from '../time.ts';
import { resolveUpstream, type UpstreamVerdict } from './upstream.ts';
import { read, type Result, type Table, type World } from '../world.ts';

export interface ListVerdict {
  /** The condition `Accepted`. */
  readonly accepted: Judgement;
  /** Absent where the spec says nothing that can be understood: then nobody else may attach users. */
  readonly allowed?: AllowedNamespaces;
  /** What it comes to; absent where it is not accepted. */
  readonly terms?: ListTerms;
}

export interface ListTerms {
  readonly className: string;
  readonly config: ListConfig;
  /** Limits of each of its users. */
  readonly limits: Limits;
  readonly upstream: UpstreamVerdict['judgement'];
}

export const listVerdicts: Table<ListVerdict | undefined> = { name: 'list verdict', formula: judgeList };

function judgeList(world: World, key: string): ListVerdict | undefined {
  if (key === BUILT_IN_LIST) return judgeBuiltIn(world);
  const parsed = read(world, parsedLists, key);
  if (parsed === undefined) return undefined;
  if (!parsed.ok) return { accepted: notAccepted('InvalidSpec', parsed.message) };
  const { meta, spec } = parsed;
  const allowed = spec.allowedNamespaces;
  const view = read(world, classes, spec.relayClass);
  if (view === undefined) {
    const message = `spec.relayClass: there is no relay class ${spec.relayClass}; ask the platform owner which there are, and make a new list for it.`;
    return { allowed, accepted: notAccepted('RelayClassNotFound', message) };
  }
  const { terms, refused } = termsOf(world, { namespace: meta.namespace, spec }, view);
  return { allowed, terms, accepted: noted(acceptance(world, meta, spec.relayClass, refused), terms) };
}

/** For users whose namespace has no default list: all defaults, under the class `default`. */
function judgeBuiltIn(world: World): ListVerdict {
  const allowed = { from: 'All' } as const;
  const view = read(world, classes, DEFAULT_CLASS);
  if (view === undefined) {
    return { allowed, accepted: notAccepted('RelayClassNotFound', `There is no relay class ${DEFAULT_CLASS}.`) };
  }
  const { terms } = termsOf(world, { namespace: '', spec: listSpec.parse({}) }, view);
  return { allowed, terms, accepted: accepted('Accepted', 'Built in.') };
}

function termsOf(
  world: World,
  owner: { readonly namespace: string; readonly spec: ListSpec },
  view: ClassView,
): { readonly terms: ListTerms; readonly refused: readonly string[] } {
  const { spec } = owner;
  const starttls = tightenStarttls(view.settings.starttls, spec.starttls);
  const policy = tightenPolicy(view.settings.senderPolicy, spec.senderPolicy);
  const recipients = tightenRecipients(view.settings.recipients, spec.recipients);
  const limits = limitsOfList(view.settings.limits, spec.limits);
  const upstream = resolveUpstream(world, owner, view);
  const config: ListConfig = {
    suspended: spec.suspended,
    starttls: starttls.value,
    upstream: upstream.config,
    senderPolicy: policy.value,
    ...(recipients.value !== undefined && { recipients: recipients.value }),
    delivery: {
      mode: spec.delivery.mode,
      maxAgeSeconds: durationSeconds(spec.delivery.maxAge),
      delayNoticeAfterSeconds: durationSeconds(spec.delivery.delayNoticeAfter),
      // an address of the platform's: smart hosts of tenants do not know it
      ...(view.settings.reports !== undefined &&
        spec.upstream === undefined && { reportsFrom: view.settings.reports.from }),
    },
  };
  const terms = { className: spec.relayClass, config, limits: limits.value, upstream: upstream.judgement };
  return { terms, refused: [...starttls.refused, ...policy.refused, ...recipients.refused, ...limits.refused] };
}

function acceptance(world: World, meta: ObjectMeta, className: string, refused: readonly string[]): Judgement {
  if (refused.length > 0) {
    const message = `Accepted by class ${className}, which a list may tighten but not loosen: spec.${refused.join(', spec.')}.`;
    return accepted('ClassFloor', message);
  }
  const isAnnotated = meta.annotations[DEFAULT_LIST_ANNOTATION] === 'true';
  const chosen = isAnnotated ? defaultListOf(world, meta.namespace) : undefined;
  if (isAnnotated && chosen !== meta.name) {
    const why = whyBefore(read(world, objects.SmtpPlusList, `${meta.namespace}/${chosen}`)?.meta, meta);
    const message = `Accepted by class ${className}, but not as the default list of namespace ${meta.namespace}: that is ${chosen}, ${why}. Take the annotation ${DEFAULT_LIST_ANNOTATION} off one of them.`;
    return accepted('NotTheDefault', message);
  }
  return accepted('Accepted', `Accepted by class ${className}.`);
}

function noted(judgement: Judgement, { config }: ListTerms): Judgement {
  return { ...judgement, message: judgement.message + guardNote(config.recipients) };
}

/** Name of the list that takes the users of a namespace who name none: the oldest that is annotated so. */
export function defaultListOf(world: World, namespace: string): string | undefined {
  const lists = keysIn(world, defaultListsOfNamespace, namespace).map((key) => read(world, objects.SmtpPlusList, key));
  const metas = lists.filter((list) => list !== undefined).map(({ meta }) => meta);
  return metas.sort(byAge)[0]?.name;
}

function accepted(reason: string, message: string): Judgement {
  return { type: 'Accepted', status: 'True', reason, message };
}

function notAccepted(reason: string, message: string): Judgement {
  return { type: 'Accepted', status: 'False', reason, message };
}

export interface ListPlan {
  readonly meta: ObjectMeta;
  readonly status: ListStatus;
  readonly events: readonly PlannedEvent[];
}

export const listPlans: Result<ListPlan | undefined> = { name: 'list plan', formula: planList, isResult: true };

/** What there is to do about a SmtpPlusList; undefined where it is gone. */
function planList(world: World, key: string): ListPlan | undefined {
  const object = read(world, objects.SmtpPlusList, key);
  const verdict = read(world, listVerdicts, key);
  if (object === undefined || verdict === undefined) return undefined;
  const { meta } = object;
  const subject = { kind: 'SmtpPlusList', meta } as const;
  const { terms, accepted } = verdict;
  const programmed = judgeProgrammed(world, subject, terms && { className: terms.className, keys: [key] });
  const upstream = terms?.upstream ?? notJudged;
  const judgements = [accepted, upstream, programmed];
  const parsed = read(world, parsedLists, key);
  const note = parsed?.ok ? notInEffect('SmtpPlusList', parsed.spec) : '';
  const ready = readyAsWritten(world, subject, withNote(readiness(judgements, wishedFor(terms)), note));
  const users = read(world, tallies, key) ?? NOBODY;
  const view = terms === undefined ? undefined : read(world, classes, terms.className);
  const status: ListStatus = {
    observedGeneration: meta.generation,
    conditions: conditionsOf(world, subject, judgements, ready),
    ...(view !== undefined && { endpoint: endpointOf(view) }),
    users,
  };
  return { meta, status, events: eventsOf(world, subject, [...judgements, ready]) };
}

const NOBODY: Tally = { total: 0, active: 0 };

const notJudged: Judgement = {
  type: 'UpstreamResolved',
  status: 'Unknown',
  reason: 'NotAccepted',
  message: 'Not looked at, since the list is not accepted.',
};

/** A list that is suspended as its owner wishes is as ready as any: `Ready` says that the wish is fulfilled. */
function wishedFor(terms: ListTerms | undefined): { reason: string; message: string } {
  if (terms?.config.suspended) {
    return { reason: 'Suspended', message: 'Suspended, as spec.suspended says: its users are refused.' };
  }
  return { reason: 'Ready', message: 'Its users can send.' };
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
