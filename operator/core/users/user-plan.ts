/** What there is to do about a SmtpPlusUser: its status, its Secret, its part of the relay's configuration. */
import { notInEffect } from '../../api/not-in-effect.ts';
import type { UserStatus } from '../../api/user.ts';
import type { UserConfig } from '../../../relay/config.ts';
import {
  conditionsOf,
  previousConditions,
  readiness,
  readyAsWritten,
  withNote,
  type Judgement,
  type Subject,
} from '../conditions.ts';
import { event, eventsOf } from '../events.ts';
import { classes } from '../facts.ts';
import { endpointOf } from '../lists/lists.ts';
import type { ObjectMeta, PlannedEvent, SecretPlan } from '../model.ts';
import { judgeProgrammed } from '../configuration/programmed.ts';
import type { Notice } from '../credentials/credentials-verdict.ts';
import { secretPlan } from '../credentials/secret-content.ts';
import type { UnusableEntry } from './unusable.ts';
import { userVerdicts, type AdmittedUser, type UserVerdict } from './users.ts';
import { read, type Result, type World } from '../world.ts';

export interface UserPlan {
  readonly meta: ObjectMeta;
  readonly status: UserStatus;
  /** Absent: no Secret is to be made, nor one that is there to be touched. */
  readonly secret?: SecretPlan;
  readonly events: readonly PlannedEvent[];
  /** Its part of a relay's configuration; absent: no relay is to serve it. */
  readonly entry?: UserEntry;
  /** Who it is to the relays where none serves it. */
  readonly unusable?: UnusableEntry;
}

export interface UserEntry {
  readonly className: string;
  readonly username: string;
  readonly config: UserConfig;
  /** Whether it can send, for the list's count. */
  readonly isActive: boolean;
}

export const userPlans: Result<UserPlan | undefined> = { name: 'user plan', formula: planUser, isResult: true };

/** What there is to do about a SmtpPlusUser; undefined where it is gone. */
function planUser(world: World, key: string): UserPlan | undefined {
  const verdict = read(world, userVerdicts, key);
  if (verdict === undefined) return undefined;
  const { meta, admitted, unusable } = verdict;
  const subject = { kind: 'SmtpPlusUser', meta } as const;
  const place = admitted && {
    className: admitted.terms.className,
    keys: [admitted.username, meta.namespace, admitted.list],
  };
  const programmed = judgeProgrammed(world, subject, place);
  const judgements = judgementsOf(verdict, programmed);
  const note = admitted === undefined ? '' : notInEffect('SmtpPlusUser', admitted.spec);
  const ready = readyAsWritten(world, subject, withNote(readinessOf(verdict, judgements), note));
  const secret = admitted === undefined ? undefined : secretOf(world, meta, admitted);
  return {
    meta,
    status: {
      observedGeneration: meta.generation,
      conditions: conditionsOf(world, subject, judgements, ready),
      ...(admitted !== undefined && details(world, admitted)),
    },
    ...(secret !== undefined && { secret }),
    events: [
      ...noticesOf(world, subject, admitted?.credentials.notice),
      ...eventsOf(world, subject, [...judgements, ready]),
    ],
    ...(admitted !== undefined && { entry: entryOf(admitted) }),
    ...(unusable !== undefined && { unusable }),
  };
}

function noticesOf(world: World, subject: Subject, notice: Notice | undefined): PlannedEvent[] {
  if (notice === undefined) return [];
  const had = previousConditions(world, subject).get('CredentialsReady')?.status === 'True';
  return notice.isNewsOnlyAgain && !had ? [] : [event(subject, notice.type, notice)];
}

function judgementsOf({ accepted, admitted }: UserVerdict, programmed: Judgement): Judgement[] {
  if (admitted !== undefined) {
    const { credentials, senders, active } = admitted;
    return [accepted, credentials.judgement, senders.judgement, active, programmed];
  }
  const [status, reason, message] = ['Unknown', 'NotAccepted', 'Not looked at, since it is not accepted.'] as const;
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
    message: 'It cannot log in, since it is not accepted.',
  } as const;
  return [accepted, credentials, senders, active, programmed].filter((judgement) => judgement !== undefined);
}

/**
 * `Ready` says whether what its owner wishes is so. Who wishes to be inactive is ready without any sender; who wishes to
 * be active and cannot send is not, whoever is in the way (a suspended list, for one).
 */
function readinessOf({ admitted }: UserVerdict, judgements: readonly Judgement[]): Judgement {
  if (admitted === undefined) return readiness(judgements, { reason: 'Ready', message: '' });
  const { spec, active } = admitted;
  if (spec.active) return readiness(judgements, { reason: 'Ready', message: active.message });
  const wish: ReadonlySet<string> = new Set(['SendersVerified', 'Active']);
  return readiness(
    judgements.filter(({ type }) => !wish.has(type)),
    { reason: 'Inactive', message: active.message },
  );
}

function secretOf(world: World, owner: ObjectMeta, admitted: AdmittedUser): SecretPlan | undefined {
  const { username, secretName: name, terms, credentials } = admitted;
  const { password, record } = credentials;
  const view = read(world, classes, terms.className);
  if (password === undefined || view === undefined) return undefined;
  return secretPlan({ owner, name }, { username, password, ...(record !== undefined && { record }) }, view);
}

function details(world: World, admitted: AdmittedUser): UserStatus {
  const { username, list, terms, secretName, credentials, senders } = admitted;
  const view = read(world, classes, terms.className);
  const { password, record, nextRotation } = credentials;
  return {
    username,
    list,
    ...(password !== undefined && { secretRef: { name: secretName } }),
    ...(view !== undefined && { server: { ...endpointOf(view), starttls: terms.config.starttls } }),
    senders: [...senders.states],
    ...(record !== undefined && { passwordIssuedTime: record.issued }),
    ...(nextRotation !== undefined && { nextRotationTime: nextRotation }),
    ...(record?.previous !== undefined && { previousPasswordExpiryTime: record.previous.notAfter }),
  };
}

function entryOf({ terms, username, config, active }: AdmittedUser): UserEntry {
  return { className: terms.className, username, config, isActive: active.status === 'True' };
}
