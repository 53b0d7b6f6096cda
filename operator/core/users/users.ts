/** SmtpPlusUsers: an ordered list of checks, and what follows from them for the relay, the Secret and the status. */
import type { ConditionReason } from '../reasons.ts';
import type { Path } from '../../api/path.ts';
import type { UserSpec } from '../../api/user.ts';
import type { UserConfig } from '../../../relay/config/config.ts';
import type { Judgement } from '../conditions.ts';
import { judgeCredentials } from '../credentials/credentials.ts';
import type { CredentialsVerdict } from '../credentials/credentials-verdict.ts';
import type { ListTerms } from '../lists/list-verdict.ts';
import { keyOf, type ObjectMeta, type RawObject } from '../model.ts';
import { BUILT_IN_LIST } from '../names.ts';
import { parseObject } from '../parse.ts';
import { limitsOfUser, refusalsInWords, type Refusal } from '../lists/policy.ts';
import type { UserCircumstances } from './circumstances.ts';
import { credentialsOfRefused, unusableEntryOf, type RefusedUser, type UnusableEntry } from './unusable.ts';
import { listAskedFor, membershipOf } from './user-list.ts';
import { judgeExpiry, type Expiry } from './expiry.ts';
import { judgePause, pauseTermsOf, type Pause } from './pause.ts';
import { judgeQuota, type Quota } from './quota.ts';
import { usageBefore } from '../usage.ts';
import { judgeUsername } from './usernames.ts';
import { judgeUserSenders, type UserSenders } from './user-senders.ts';
import { earliestAfter } from '../time.ts';
import { wishedSecretName } from './wishes.ts';

export interface UserVerdict {
  readonly meta: ObjectMeta;
  /** The condition `Accepted`. */
  readonly accepted: Judgement;
  /** What it comes to; absent where it is not accepted: then no relay serves it. */
  readonly admitted?: AdmittedUser;
  /** What the relays are to know of it where it is not accepted; absent: nothing. */
  readonly unusable?: UnusableEntry;
  /** When it changes with time alone (a password expires, say); absent: never. */
  readonly until: Date | undefined;
}

export interface AdmittedUser {
  readonly spec: UserSpec;
  readonly username: string;
  readonly list: string;
  readonly terms: ListTerms;
  readonly secretName: string;
  readonly credentials: CredentialsVerdict;
  readonly senders: UserSenders;
  /** The condition `Active`. */
  readonly active: Judgement;
  /** Absent: it never ends. */
  readonly expiry: Expiry | undefined;
  /** Its monthly quota, where it has one and has used some of it. */
  readonly quota: Quota | undefined;
  readonly pause: Pause | undefined;
  readonly config: UserConfig;
}

/** The first objection decides; a user without any is admitted. */
export function judgeUser(object: RawObject, around: UserCircumstances): UserVerdict {
  const waiting = around.whyWaiting(object);
  if (waiting !== undefined) return { meta: object.meta, accepted: waiting, until: undefined };
  const parsed = parseObject('SmtpPlusUser', object);
  const { meta } = parsed;
  if (!parsed.ok) return refusal({ object }, { reason: 'InvalidSpec', message: parsed.message }, around);
  const { spec } = parsed;
  const list = listAskedFor(meta.namespace, spec.listRef, around.defaultList);
  const membership = membershipOf({ key: list, verdict: around.listOf(list) }, around.guest);
  if (!membership.ok) return refusal({ object, spec, list }, membership, around);
  const claims = around.claimsOn(object);
  const name = judgeUsername(parsed, { ownRules: around.ownRules, claims });
  if (!name.ok) return refusal({ object, spec, list }, name, around);

  const { terms } = membership;
  const secretName = wishedSecretName(parsed);
  const hasServer = hasPort(around, terms);
  const credentials = judgeCredentials({ meta, spec, secretName, hasServer }, around);
  const senders = judgeUserSenders(meta.namespace, spec.senders, around.rules);
  const expiry = judgeExpiry(spec, around.now);
  const limits = limitsOfUser(terms.limits, spec.limits);
  const [fact, before] = [around.usageOf(keyOf(meta)), usageBefore(object)];
  const quota = judgeQuota(limits.value.messagesPerMonth, fact?.month, before.quota);
  const pausing = pauseTermsOf(meta, terms.pauseAbove, spec.pauseAbove);
  const pause = judgePause(pausing.terms, [before.paused, fact?.paused]);
  const active = judgeActive(spec, { list, terms, credentials, senders, expiry, quota, pause });
  const config: UserConfig = {
    object: keyOf(meta),
    namespace: meta.namespace,
    list,
    // as the spec says, whatever the list or the senders say: for those the relay has replies of its own
    active: spec.active,
    mode: spec.mode,
    credentials: [...credentials.credentials],
    ...(senders.narrowed !== undefined && { senders: [...senders.narrowed] }),
    limits: limits.value,
    clientCIDRs: spec.clientCIDRs ?? [],
    ...(expiry !== undefined && { expires: expiry.time }),
    ...(quota?.isUsed === true && { quotaUsed: quota.status.month }),
    ...(pausing.terms !== undefined && { pauseAbove: pausing.terms }),
    ...(pause !== undefined && { paused: true as const }),
  };
  const { username } = name;
  const admitted = {
    spec,
    username,
    list,
    terms,
    secretName,
    credentials,
    senders,
    active,
    expiry,
    quota,
    pause,
    config,
  };
  const until = earliestAfter(around.now, [credentials.until, expiry?.until]);
  return { meta, accepted: acceptance(list, [...limits.refused, ...pausing.refused]), admitted, until };
}

function hasPort({ platform }: UserCircumstances, { className }: ListTerms): boolean {
  const view = platform.classes.get(className);
  return view !== undefined && [...view.ports, ...view.implicitTlsPorts].length > 0;
}

function acceptance(list: string, refused: readonly Refusal[]): Judgement {
  const [type, status] = ['Accepted', 'True'] as const;
  const name = list === BUILT_IN_LIST ? 'the built-in default list' : `SmtpPlusList ${list}`;
  const [first] = refused;
  if (first === undefined) return { type, status, reason: 'Accepted', message: `Belongs to ${name}.` };
  const message = `Belongs to ${name}, whose limits a user may tighten but not loosen: ${refusalsInWords(refused)}.`;
  return { type, status, reason: 'ListCeiling', message, field: first.field };
}

function refusal(
  user: RefusedUser,
  { reason, message, field }: { reason: ConditionReason; message: string; field?: Path },
  around: UserCircumstances,
): UserVerdict {
  const { credentials, until } = credentialsOfRefused(user, around);
  const unusable = unusableEntryOf(user, credentials, around);
  const { meta } = user.object;
  const accepted: Judgement = {
    type: 'Accepted',
    status: 'False',
    reason,
    message,
    ...(field !== undefined && { field }),
  };
  // nobody is told of credentials that come to nothing, nor of their end
  return unusable === undefined ? { meta, accepted, until: undefined } : { meta, accepted, unusable, until };
}

/** Whether it can send: the first objection counts, and what its owner asked for comes before what others have done. */
function judgeActive(
  spec: UserSpec,
  {
    list,
    terms,
    credentials,
    senders,
    expiry,
    quota,
    pause,
  }: Pick<AdmittedUser, 'list' | 'terms' | 'credentials' | 'senders' | 'expiry' | 'quota' | 'pause'>,
): Judgement {
  if (!spec.active) return inactive('Inactive', 'Not active, as spec.active says; set it to true to send.');
  if (expiry?.isOver === true) {
    return inactive(
      'Expired',
      `The user expired at ${expiry.time}, as spec.expiresAt says; to bring it back, set a later time or remove the field.`,
    );
  }
  if (terms.config.suspended)
    return inactive(
      'ListSuspended',
      `SmtpPlusList ${list} is suspended: whoever owns it ends that with spec.suspend: false.`,
    );
  if (pause !== undefined) return inactive('Paused', pause.warning.message);
  if (quota?.isUsed === true) return inactive('QuotaUsed', quota.warning?.message ?? '');
  if (senders.judgement.reason === 'NoVerifiedSender') return inactive('NoVerifiedSender', senders.judgement.message);
  if (credentials.judgement.status !== 'True' && credentials.credentials.length === 0) {
    return inactive(
      'CredentialsNotReady',
      'There are no credentials to log in with; see the condition CredentialsReady.',
    );
  }
  if (spec.mode === 'Sandbox') {
    const message = 'Every check runs and the answer is 250, but nothing is sent, as spec.mode says.';
    return { type: 'Active', status: 'True', reason: 'Sandbox', message };
  }
  return { type: 'Active', status: 'True', reason: 'Active', message: 'Active, with a verified sender.' };
}

function inactive(reason: ConditionReason, message: string): Judgement {
  return { type: 'Active', status: 'False', reason, message };
}
