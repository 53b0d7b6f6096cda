/**
 * Users who have a password but whom no relay can serve because of how things are configured: a spec that cannot be
 * understood, a list that is gone. The relay tells whoever has the password that this is temporary, and nobody else.
 */
import type { UserSpec } from '../../api/user.ts';
import type { Credential, UnusableUser } from '../../../relay/config/config.ts';
import { judgeCredentials } from '../credentials/credentials.ts';
import type { CredentialsVerdict } from '../credentials/credentials-verdict.ts';
import { storedCredentials } from '../credentials/stored-credentials.ts';
import { validPasswords } from '../credentials/valid-passwords.ts';
import { keyOf, type RawObject } from '../model.ts';
import type { UserCircumstances } from './circumstances.ts';
import { holdsUsername } from './usernames.ts';
import { wishedSecretName, wishedUsername } from './wishes.ts';

export interface UnusableEntry {
  /** The relays that its application may be connected to. */
  readonly classNames: readonly string[];
  readonly username: string;
  readonly config: UnusableUser;
}

/** What is known of a user who was not accepted. */
export interface RefusedUser {
  readonly object: RawObject;
  /** Absent where it cannot be understood. */
  readonly spec?: UserSpec;
  /** Key of the list that it asks for. */
  readonly list?: string;
}

/** What a client may know of a user who was not accepted, and when that changes by itself. */
export function credentialsOfRefused(
  { object, spec }: RefusedUser,
  around: UserCircumstances,
): Pick<CredentialsVerdict, 'credentials' | 'until'> {
  const { meta } = object;
  if (spec === undefined) {
    const { platform, acceptedOf, now, secretOf } = around;
    const { issuer } = platform;
    const stored = storedCredentials(object, { secretOf, issuer });
    if (stored.length > 0) return { credentials: stored };
    return { credentials: validPasswords(meta, { accepted: acceptedOf(keyOf(meta)), record: undefined, issuer, now }) };
  }
  // without a server: nothing is to be made for a user who is not accepted
  return judgeCredentials({ meta, spec, secretName: wishedSecretName({ meta, spec }), hasServer: false }, around);
}

/** The entry for the relays; undefined where there is no password to be told by, or the name is somebody else's. */
export function unusableEntryOf(
  { object, spec, list }: RefusedUser,
  credentials: readonly Credential[],
  around: UserCircumstances,
): UnusableEntry | undefined {
  const { meta } = object;
  if (credentials.length === 0) return undefined;
  const username = wishedUsername(object);
  if (!holdsUsername(meta, username, around.claimsOn(object))) return undefined;
  const verdict = list === undefined ? undefined : around.listOf(list);
  const isListMissing = list !== undefined && verdict === undefined;
  return {
    classNames: verdict?.terms === undefined ? around.platform.classNames : [verdict.terms.className],
    username,
    config: {
      object: keyOf(meta),
      namespace: meta.namespace,
      credentials: [...credentials],
      clientCIDRs: spec?.clientCIDRs ?? [],
      ...(isListMissing && { missingList: list }),
    },
  };
}
