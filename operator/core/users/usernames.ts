/** Who may log in under which name. No namespace can take a name that belongs to another. */
import { covers, parseMailbox } from '../../../relay/address.ts';
import { storedCredentials } from '../credentials/stored-credentials.ts';
import { isDefaultUsername, keysIn, objects, usersByUsername, wishedUsername } from '../facts.ts';
import { keyOf, type ObjectMeta } from '../model.ts';
import { parsedUsers } from '../parse.ts';
import { isOwn, namespaceRules } from '../senders/sender-rules.ts';
import { byAge, whyBefore } from '../time.ts';
import { read, type Table, type World } from '../world.ts';

export type UsernameVerdict =
  | { readonly ok: true; readonly username: string }
  | { readonly ok: false; readonly reason: 'UsernameNotAllowed' | 'UsernameTaken'; readonly message: string };

/** The user name of an object whose spec is valid, or why it can't have the one that it asks for. */
export function judgeUsername(world: World, user: { meta: ObjectMeta; spec: unknown }): UsernameVerdict {
  const username = wishedUsername(user);
  if (isDefaultUsername(user.meta, username)) return { ok: true, username };
  const objection = read(world, claims, keyOf(user.meta))?.objection;
  if (objection !== undefined) return { ok: false, reason: 'UsernameNotAllowed', message: objection };
  const holder = read(world, holders, username);
  if (holder === undefined || holder === keyOf(user.meta)) return { ok: true, username };
  // who it is in another namespace is that namespace's own affair
  const who = holder.startsWith(`${user.meta.namespace}/`) ? `SmtpPlusUser ${holder}` : 'an SmtpPlusUser elsewhere';
  const why = whyBefore(read(world, claims, holder)?.meta, user.meta);
  const message = `User name ${username} is taken by ${who}, ${why}; make a new SmtpPlusUser with another spec.username.`;
  return { ok: false, reason: 'UsernameTaken', message };
}

/**
 * Key of the user that a user name is to be understood as, where nobody can be served under it: whoever may have the name,
 * else the oldest of those who ask for it and have a password.
 */
export function nameHolderOf(world: World, meta: ObjectMeta, username: string): string | undefined {
  return isDefaultUsername(meta, username) ? keyOf(meta) : read(world, nameHolders, username);
}

const nameHolders: Table<string | undefined> = {
  name: 'user-name holder of last resort',
  formula: (world, username) => {
    const holder = read(world, holders, username);
    if (holder !== undefined) return holder;
    const claimants = keysIn(world, usersByUsername, username)
      .filter((key) => storedCredentials(world, key).length > 0)
      .flatMap((key) => read(world, objects.SmtpPlusUser, key)?.meta ?? []);
    const oldest = claimants.sort(byAge)[0];
    return oldest === undefined ? undefined : keyOf(oldest);
  },
};

interface Claim {
  readonly meta: ObjectMeta;
  /** Why the object may not have the name, whoever else asks for it. */
  readonly objection?: string;
}

/** By key of a user who has chosen a name. */
const claims: Table<Claim | undefined> = { name: 'user-name claim', formula: judgeClaim };

function judgeClaim(world: World, key: string): Claim | undefined {
  const parsed = read(world, parsedUsers, key);
  if (!parsed?.ok) return undefined;
  const { meta, spec } = parsed;
  const username = wishedUsername({ meta, spec });
  const mailbox = parseMailbox(username);
  // a sender that is only shared with this namespace could give its users' names to whoever it is shared with
  const own = read(world, namespaceRules, meta.namespace).rules.filter((rule) => isOwn(rule, meta.namespace));
  const covering = mailbox === undefined ? [] : own.filter((rule) => covers(rule, mailbox));
  if (covering.some(({ verified }) => verified)) return { meta };
  const pending = covering[0];
  const mend =
    pending === undefined
      ? `make a VerifiedSender for it in namespace ${meta.namespace}`
      : `VerifiedSender ${pending.object} covers it, and is not verified yet`;
  const objection = `spec.username ${username} is not an address of a verified VerifiedSender of this namespace: ${mend}.`;
  return { meta, objection };
}

/** By user name: the key of the user that has it, the oldest of those that may. */
const holders: Table<string | undefined> = {
  name: 'user-name holder',
  formula: (world, username) => {
    const candidates = keysIn(world, usersByUsername, username).map((key) => read(world, claims, key));
    const entitled = candidates.filter((claim) => claim !== undefined && claim.objection === undefined);
    const oldest = entitled.flatMap((claim) => claim?.meta ?? []).sort(byAge)[0];
    return oldest === undefined ? undefined : keyOf(oldest);
  },
};
