/** Who may log in under which name. No namespace can take a name that belongs to another. */
import type { Path } from '../../api/path.ts';
import { covers, parseMailbox } from '../../../relay/address.ts';
import type { SenderRule } from '../../../relay/config/config.ts';
import { keyOf, type ObjectMeta, type RawObject } from '../model.ts';
import { parseObject } from '../parse.ts';
import { byAge, whyBefore } from '../time.ts';
import { isDefaultUsername, wishedUsername } from './wishes.ts';

export type UsernameVerdict =
  | { readonly ok: true; readonly username: string }
  | {
      readonly ok: false;
      readonly reason: 'UsernameNotAllowed' | 'UsernameTaken';
      readonly message: string;
      readonly field: Path;
    };

const FIELD = ['spec', 'username'];

/** What a user who has chosen a name may say for itself. All namespaces see it: names are unique in the installation. */
export interface UsernameClaim {
  readonly meta: ObjectMeta;
  /** Whether a verified sender of its own namespace covers the name. */
  readonly isEntitled: boolean;
  /** Whether a client may know a password of it. */
  readonly hasPassword: boolean;
}

/** The user name of an object whose spec is valid, or why it can't have the one that it asks for. */
export function judgeUsername(
  user: Pick<RawObject, 'meta' | 'spec'>,
  { ownRules, claims }: { readonly ownRules: readonly SenderRule[]; readonly claims: readonly UsernameClaim[] },
): UsernameVerdict {
  const username = wishedUsername(user);
  if (isDefaultUsername(user.meta, username)) return { ok: true, username };
  const objection = objectionTo(user.meta.namespace, username, ownRules);
  if (objection !== undefined) return { ok: false, reason: 'UsernameNotAllowed', message: objection, field: FIELD };
  const holder = oldest(claims.filter(({ isEntitled }) => isEntitled));
  if (holder === undefined || keyOf(holder) === keyOf(user.meta)) return { ok: true, username };
  // who it is in another namespace is that namespace's own affair
  const isNear = holder.namespace === user.meta.namespace;
  const who = isNear ? `SmtpPlusUser ${keyOf(holder)}` : 'an SmtpPlusUser elsewhere';
  const why = whyBefore(holder, user.meta);
  const message = `User name ${username} is taken by ${who}, ${why}; make a new SmtpPlusUser with another spec.username.`;
  return { ok: false, reason: 'UsernameTaken', message, field: FIELD };
}

/**
 * Whose user name it is while nobody can be served under it: that of whoever is entitled to it, else of the oldest who asks for
 * it and has a password. Returns whether that is this user.
 */
export function holdsUsername(meta: ObjectMeta, username: string, claims: readonly UsernameClaim[]): boolean {
  if (isDefaultUsername(meta, username)) return true;
  const holder =
    oldest(claims.filter(({ isEntitled }) => isEntitled)) ?? oldest(claims.filter(({ hasPassword }) => hasPassword));
  return holder !== undefined && keyOf(holder) === keyOf(meta);
}

/** What a user says for itself, where it has chosen a name; undefined where it has not. */
export function claimOf(
  user: RawObject,
  ownRules: readonly SenderRule[],
  hasPassword: boolean,
): UsernameClaim | undefined {
  const { meta } = user;
  const username = wishedUsername(user);
  if (isDefaultUsername(meta, username)) return undefined;
  const isValid = parseObject('SmtpPlusUser', user).ok;
  const isEntitled = isValid && objectionTo(meta.namespace, username, ownRules) === undefined;
  return { meta, isEntitled, hasPassword };
}

/** Why users of a namespace may not have the name, whoever else asks for it. */
function objectionTo(namespace: string, username: string, ownRules: readonly SenderRule[]): string | undefined {
  const mailbox = parseMailbox(username);
  // a sender that is only shared with this namespace could give its users' names to whoever it is shared with
  const covering = mailbox === undefined ? [] : ownRules.filter((rule) => covers(rule, mailbox));
  if (covering.some(({ verified }) => verified)) return undefined;
  const pending = covering[0];
  const mend =
    pending === undefined
      ? `make a VerifiedSender for it in namespace ${namespace}`
      : `VerifiedSender ${pending.object} covers it, and is not verified yet`;
  return `spec.username ${username} is not an address of a verified VerifiedSender of this namespace: ${mend}.`;
}

function oldest(claims: readonly UsernameClaim[]): ObjectMeta | undefined {
  return claims.map(({ meta }) => meta).sort(byAge)[0];
}
