import type { Reason } from '../reasons.ts';
import type { Path } from '../../api/path.ts';
import type { UserSpec } from '../../api/user.ts';
import type { Credential } from '../../../relay/config.ts';
import type { Judgement } from '../conditions.ts';
import type { ObjectMeta } from '../model.ts';
import type { PasswordRecord } from './password-record.ts';

/** What was decided about the password of a user. */
export interface CredentialsVerdict {
  /** The condition `CredentialsReady`. */
  readonly judgement: Judgement;
  /** What the relay is to accept. */
  readonly credentials: readonly Credential[];
  /** What is to be in the Secret; absent: the Secret is not to be touched. */
  readonly password?: string;
  readonly record?: PasswordRecord;
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

export function credentialsReady(message: string): Judgement {
  return { type: 'CredentialsReady', status: 'True', reason: 'CredentialsReady', message };
}

/** @param field what it is about, where that is a field of the user. */
export function notReady(reason: Reason, message: string, field?: Path): CredentialsVerdict {
  const judgement = { type: 'CredentialsReady', status: 'False', reason, message } as const;
  return { judgement: field === undefined ? judgement : { ...judgement, field }, credentials: [] };
}

export interface Notice {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** Nothing to notice where there were no credentials before. */
  readonly isNewsOnlyAgain?: true;
}
