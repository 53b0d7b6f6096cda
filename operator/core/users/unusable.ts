/**
 * Users who have a password and whom no relay can serve because of how things are configured: a spec that cannot be
 * understood, a list that is gone. The relay tells whoever has the password that it is temporary, and nobody else.
 */
import type { UserSpec } from '../../api/user.ts';
import type { Credential, UnusableUser } from '../../../relay/config.ts';
import { judgeCredentials } from '../credentials/credentials.ts';
import { storedCredentials } from '../credentials/stored-credentials.ts';
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

/** The entry for the relays; undefined where there is no password to be told by, or the name is somebody else's. */
export function unusableEntryOf(
  { object, spec, list }: RefusedUser,
  around: UserCircumstances,
): UnusableEntry | undefined {
  const { meta } = object;
  const credentials =
    spec === undefined ? storedCredentials(object, around.secretOf) : currentCredentials(object, spec, around);
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

function currentCredentials({ meta }: RawObject, spec: UserSpec, around: UserCircumstances): readonly Credential[] {
  // without a server: nothing is to be made for a user who is not accepted
  const owner = { meta, spec, secretName: wishedSecretName({ meta, spec }), hasServer: false };
  return judgeCredentials(owner, around).credentials;
}
