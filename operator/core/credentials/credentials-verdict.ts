import type { ConditionReason } from '../reasons.ts';
import type { Path } from '../../api/path.ts';
import type { UserSpec } from '../../api/user.ts';
import type { Credential } from '../../../relay/config/config.ts';
import type { Judgement } from '../conditions.ts';
import type { ObjectMeta, SecretView } from '../model.ts';
import type { EndingPassword, PasswordRecord } from './password-record.ts';
import { earliestAfter, parseTime } from '../time.ts';

/** What was decided about the password of a user. */
export interface CredentialsVerdict {
  /** The condition `CredentialsReady`. */
  readonly judgement: Judgement;
  /** What the relay is to accept. */
  readonly credentials: readonly Credential[];
  /** What is to be in the Secret; absent: the Secret is not to be touched. */
  readonly password?: string;
  readonly record?: PasswordRecord;
  /** When the password was generated; absent where a person chose it. */
  readonly issued?: string;
  readonly nextRotation?: string;
  /** When it changes with time alone (a password expires, say); absent: never. */
  readonly until?: Date;
  /** What a person should notice about a password that is being made. */
  readonly notice?: Notice;
}

export interface CredentialsOwner {
  readonly meta: ObjectMeta;
  readonly spec: UserSpec;
  readonly secretName: string;
  /** Whether the relay class tells a port: without one there is nothing to write into a Secret. */
  readonly hasServer: boolean;
}

/** What there is of the passwords of a user. */
export interface Holding {
  /** Its credentials Secret. */
  readonly secret: SecretView | undefined;
  /** Nobody owns the Secret, and it was made for a user of this name. */
  readonly isAdopted: boolean;
  readonly record: PasswordRecord | undefined;
  readonly valid: readonly Credential[];
  /** Those valid ones that relays are known to accept. */
  readonly told: readonly Credential[];
  readonly overlapSeconds: number;
}

export function credentialsReady(message: string, previous: readonly EndingPassword[]): Judgement {
  const [status, reason] = ['True', 'CredentialsReady'] as const;
  return { type: 'CredentialsReady', status, reason, message: `${message}${inWords(previous)}` };
}

function inWords([last, ...others]: readonly EndingPassword[]): string {
  if (last === undefined) return '';
  if (others.length === 0) return ` The password before it is valid until ${last.notAfter}.`;
  return ` Of the passwords before it ${1 + others.length} are still valid, the last until ${last.notAfter}.`;
}

/** @param field what it is about, where that is a field of the user. */
export function notReady(reason: ConditionReason, message: string, field?: Path): Judgement {
  const judgement = { type: 'CredentialsReady', status: 'False', reason, message } as const;
  return field === undefined ? judgement : { ...judgement, field };
}

/** It waits for something, and whoever has a password that was valid so far has the overlap to see to it. */
export function waiting(judgement: Judgement, ending: readonly EndingPassword[], now: Date): CredentialsVerdict {
  const until = earliestEnd(ending, now);
  return { judgement, credentials: ending, ...(until !== undefined && { until }) };
}

/** When the first of them ends. */
export function earliestEnd(ending: readonly EndingPassword[], now: Date, also?: Date): Date | undefined {
  return earliestAfter(now, [also, ...ending.map(({ notAfter }) => parseTime(notAfter))]);
}

export interface Notice {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** Nothing to notice where there were no credentials before. */
  readonly isNewsOnlyAgain?: true;
}

/** A backup was restored, say: people are to know which password counts. */
export function adopted(where: string, password: string): Notice {
  const message = `${where} had no owner, as after a restore, or when a user is created again: it belongs to this user again, with ${password}.`;
  return { type: 'Normal', reason: 'SecretAdopted', message };
}
