/**
 * Users who have a password and whom no relay can serve because of how things are configured: a spec that cannot be
 * understood, a list that is gone. The relay tells whoever has the password that it is temporary, and nobody else.
 */
import type { UserSpec } from '../../api/user.ts';
import type { Credential, UnusableUser } from '../../../relay/config.ts';
import { judgeCredentials } from '../credentials/credentials.ts';
import { storedCredentials } from '../credentials/stored-credentials.ts';
import { classNames, objects, wishedSecretName, wishedUsername } from '../facts.ts';
import { listVerdicts } from '../lists/lists.ts';
import { keyOf, type ObjectMeta } from '../model.ts';
import { nameHolderOf } from './usernames.ts';
import { read, type World } from '../world.ts';

export interface UnusableEntry {
  /** The relays that its application may be connected to. */
  readonly classNames: readonly string[];
  readonly username: string;
  readonly config: UnusableUser;
}

/** What is known of a user who was not accepted. */
interface RefusedUser {
  readonly meta: ObjectMeta;
  /** Absent where it cannot be understood. */
  readonly spec?: UserSpec;
  /** Key of the list that it asks for. */
  readonly list?: string;
}

/** The entry for the relays; undefined where there is no password to be told by, or the name is somebody else's. */
export function unusableEntryOf(world: World, { meta, spec, list }: RefusedUser): UnusableEntry | undefined {
  const key = keyOf(meta);
  const object = read(world, objects.SmtpPlusUser, key);
  if (object === undefined) return undefined;
  const credentials = spec === undefined ? storedCredentials(world, key) : currentCredentials(world, meta, spec);
  if (credentials.length === 0) return undefined;
  const username = wishedUsername(object);
  if (nameHolderOf(world, meta, username) !== key) return undefined;
  const verdict = list === undefined ? undefined : read(world, listVerdicts, list);
  const isListMissing = list !== undefined && verdict === undefined;
  return {
    classNames: verdict?.terms === undefined ? (read(world, classNames, '') ?? []) : [verdict.terms.className],
    username,
    config: {
      object: key,
      namespace: meta.namespace,
      credentials: [...credentials],
      clientCIDRs: spec?.clientCIDRs ?? [],
      ...(isListMissing && { missingList: list }),
    },
  };
}

function currentCredentials(world: World, meta: ObjectMeta, spec: UserSpec): readonly Credential[] {
  // without a server: nothing is to be made for a user who is not accepted
  return judgeCredentials(world, { meta, spec, secretName: wishedSecretName({ meta, spec }), hasServer: false })
    .credentials;
}
