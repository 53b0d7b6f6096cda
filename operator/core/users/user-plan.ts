/** What to do about a SmtpPlusUser: its status, its Secret, its part of the relays' configuration. */
import type { UserStatus } from '../../api/user.ts';
import type { UserConfig } from '../../../relay/config/config.ts';
import {
  conditionsOf,
  fieldsOf,
  previousConditions,
  readiness,
  readyAsWritten,
  type Fields,
  type Judgement,
  type Subject,
} from '../conditions.ts';
import { event, eventsOf } from '../events.ts';
import { endpointOf } from '../lists/lists.ts';
import type {
  ObjectMeta,
  PlannedEvent,
  ProgrammedFact,
  RawObject,
  RelaysFact,
  SecretPlan,
  UpstreamFact,
} from '../model.ts';
import type { Platform } from '../platform.ts';
import { judgeProgrammed } from '../programmed.ts';
import { readyWithRoom } from '../relay-room.ts';
import type { Notice } from '../credentials/credentials-verdict.ts';
import { writeRecord } from '../credentials/password-record.ts';
import { secretPlan } from '../credentials/secret-content.ts';
import { usageOf, type UsageFact } from '../usage.ts';
import { judgeUnused } from './unused.ts';
import { readyToSend } from './sending.ts';
import type { AdmittedUser, UserVerdict } from './users.ts';

export interface UserPlan {
  readonly meta: ObjectMeta;
  readonly status: UserStatus;
  /** Absent: no Secret is to be made, nor one that is there to be touched. */
  readonly secret?: SecretPlan;
  readonly fields: Fields | undefined;
  /** When its status changes with time alone. */
  readonly until: Date | undefined;
  readonly events: readonly PlannedEvent[];
}

/** The part of a user in the configuration of the relays. */
export interface UserEntry {
  readonly className: string;
  readonly username: string;
  readonly config: UserConfig;
  /** Whether it can send, for the list's count. */
  readonly isActive: boolean;
}

/** What a user's status tells of, besides its verdict. */
export interface UserReport {
  readonly platform: Platform;
  /** Whether its entries in the relays' configuration are in force; absent where it has none. */
  readonly programmed: ProgrammedFact | undefined;
  /** Facts about the relays of its class and the upstream of its list; absent where nothing is known. */
  readonly relays: RelaysFact | undefined;
  readonly upstream: UpstreamFact | undefined;
  /** Undefined where relays were not heard yet. */
  readonly usage: UsageFact | undefined;
  readonly now: Date;
}

/** What there is to do about a SmtpPlusUser. */
export function planUser(object: RawObject, verdict: UserVerdict, report: UserReport): UserPlan {
  const { platform, programmed: fact, now } = report;
  const { meta, admitted } = verdict;
  const programmed = judgeProgrammed(object, admitted && { className: admitted.terms.className, fact });
  const judgements = judgementsOf(verdict, programmed);
  const ready = readyAsWritten(object, readinessOf(verdict, judgements, report));
  const secret = admitted === undefined ? undefined : secretOf(platform, meta, admitted);
  const usage = usageOf(object, report.usage);
  const unused = judgeUnused(object, report.usage !== undefined, usage, now);
  // no objections: they change nothing about whether it can send
  const { expiry, quota, pause } = admitted ?? {};
  const warnings = [expiry?.warning, quota?.warning, pause?.warning, unused.judgement].filter(
    (one) => one !== undefined,
  );
  const told = [...judgements, ...warnings];
  return {
    meta,
    status: {
      observedGeneration: meta.generation,
      conditions: conditionsOf(object, told, ready, now),
      ...(admitted !== undefined && details(platform, admitted)),
      ...usage,
      ...(quota !== undefined && { quota: quota.status }),
      ...(pause !== undefined && { paused: pause.status }),
    },
    ...(secret !== undefined && { secret }),
    fields: fieldsOf(judgements),
    until: unused.until,
    events: [...noticesOf(object, admitted?.credentials.notice), ...eventsOf(object, [...told, ready])],
  };
}

function noticesOf(subject: Subject, notice: Notice | undefined): PlannedEvent[] {
  if (notice === undefined) return [];
  const had = previousConditions(subject).get('CredentialsReady')?.status === 'True';
  return notice.isNewsOnlyAgain && !had ? [] : [event(subject, notice.type, notice)];
}

function judgementsOf({ accepted, admitted }: UserVerdict, programmed: Judgement): Judgement[] {
  if (admitted !== undefined) {
    const { credentials, senders, active } = admitted;
    return [accepted, credentials.judgement, senders.judgement, active, programmed];
  }
  const [status, reason, message] = ['Unknown', 'NotAccepted', 'Not checked, because it is not accepted.'] as const;
  const [credentials, senders] = ['CredentialsReady', 'SendersVerified'].map((type) => ({
    type,
    status,
    reason,
    message,
  }));
  const active = {
    type: 'Active',
    status: 'False',
    reason,
    message: 'It cannot log in, because it is not accepted.',
  } as const;
  return [accepted, credentials, senders, active, programmed].filter((judgement) => judgement !== undefined);
}

/**
 * `Ready` says whether what its owner wishes is so. A user who wishes to be inactive is ready without any sender; one who wishes to
 * be active and cannot send is not, whoever is in the way (a suspended list, for one).
 */
function readinessOf({ admitted }: UserVerdict, judgements: readonly Judgement[], report: UserReport): Judgement {
  if (admitted === undefined) return readiness(judgements, { reason: 'Ready', message: '' });
  const { spec, active } = admitted;
  const isOver = admitted.expiry?.isOver === true;
  if (spec.active && !isOver) {
    const message = spec.mode === 'Sandbox' ? active.message : 'It can send.';
    const ready = readyWithRoom(
      readiness(judgements, { reason: 'Ready', message }),
      admitted.terms.className,
      report.relays,
    );
    return readyToSend(ready, admitted, report.upstream);
  }
  const wish: ReadonlySet<string> = new Set(['SendersVerified', 'Active']);
  return readiness(
    judgements.filter(({ type }) => !wish.has(type)),
    { reason: spec.active ? 'Expired' : 'Inactive', message: active.message },
  );
}

function secretOf({ classes, issuer }: Platform, owner: ObjectMeta, admitted: AdmittedUser): SecretPlan | undefined {
  const { username, secretName: name, terms, credentials } = admitted;
  const { secretTemplate: template, deletionPolicy } = admitted.spec.credentials;
  const isRetained = deletionPolicy === 'Retain';
  const { password, record } = credentials;
  const view = classes.get(terms.className);
  if (password === undefined || view === undefined) return undefined;
  const annotations = record && writeRecord(record, owner, issuer);
  return secretPlan(
    { owner, name, isRetained, template },
    { username, password, ...(annotations !== undefined && { record: annotations }) },
    view,
  );
}

function details({ classes }: Platform, admitted: AdmittedUser): UserStatus {
  const { username, list, terms, secretName, credentials, senders } = admitted;
  const view = classes.get(terms.className);
  const { password, record, issued, nextRotation } = credentials;
  const [last] = record?.previous ?? [];
  return {
    username,
    list,
    ...(password !== undefined && { secretRef: { name: secretName } }),
    ...(view !== undefined && { server: { ...endpointOf(view), starttls: terms.config.starttls } }),
    senders: [...senders.states],
    ...(issued !== undefined && { passwordIssuedTime: issued }),
    ...(nextRotation !== undefined && { nextRotationTime: nextRotation }),
    ...(last !== undefined && { previousPasswordExpiryTime: last.notAfter }),
  };
}

/** What the relays are to know of a user who is admitted. */
export function relayEntryOf({ terms, username, config, active }: AdmittedUser): UserEntry {
  return { className: terms.className, username, config, isActive: active.status === 'True' };
}
