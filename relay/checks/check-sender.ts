/**
 * Who may send as whom. Envelope sender and header From are judged by the same rules; where a list only audits, a "no"
 * about either of them is counted, and the message is accepted.
 */
import { covers, formatMailbox, type Mailbox } from '../address.ts';
import type { RelayConfig, SenderPolicy, SenderRule, UserConfig } from '../config/config.ts';
import { replies, type Reply } from '../replies.ts';

/** What speaks against a message; a check that finds nothing hands back `undefined`. */
export interface Objection {
  readonly reply: Reply;
  /** The list lets the message through all the same: `reply` is what an enforcing list would have said. */
  readonly isAudited: boolean;
}

/** A list that is not in the configuration audits nothing and allows nothing. */
const STRICTEST: SenderPolicy = {
  envelopeFrom: 'Enforce',
  headerFrom: 'Enforce',
  displayName: 'Refuse',
  sender: 'Verified',
  replyTo: 'Verified',
  nullSender: 'Refuse',
  bcc: 'Drop',
};

/** What the user may send as, verified or still to be: its own narrower choice, or all of its namespace. */
export function sendersOf(config: RelayConfig, user: UserConfig): readonly SenderRule[] {
  return user.senders ?? config.namespaces.get(user.namespace) ?? [];
}

/** @param shown the address as it is written */
export function isVerifiedSender(
  config: RelayConfig,
  user: UserConfig,
  mailbox: Mailbox,
  shown: string = formatMailbox(mailbox),
): boolean {
  return coveringRules(config, user, mailbox, shown).some(({ verified }) => verified);
}

/** RFC 5321 section 2.4: the case of a local part may matter. Addresses are verified in small letters. */
function coveringRules(config: RelayConfig, user: UserConfig, mailbox: Mailbox, shown: string): SenderRule[] {
  const local = shown.slice(0, shown.lastIndexOf('@'));
  const isOther = config.class.localPartCase === 'Match' && local !== local.toLowerCase();
  return sendersOf(config, user).filter((rule) => covers(rule, mailbox) && (!isOther || rule.sender.startsWith('@')));
}

/**
 * Judges MAIL FROM; `mailbox` is undefined for the null sender, `shown` is the address as the client wrote it.
 *
 * Auditing is about which address may be used. A user with nothing verified is not active in the first place, and null
 * senders have a policy of their own, so neither is ever let through by an audit.
 */
export function checkEnvelopeSender(
  config: RelayConfig,
  userName: string,
  user: UserConfig,
  mailbox: Mailbox | undefined,
  shown: string = mailbox === undefined ? '' : formatMailbox(mailbox),
): Objection | undefined {
  const none = noVerifiedSender(config, userName, user);
  if (none !== undefined) return none;
  const policy = senderPolicyOf(config, user);
  if (mailbox === undefined) return policy.nullSender === 'Allow' ? undefined : refuse(replies.nullSender());
  return judge(config, user, mailbox, {
    shown,
    mode: policy.envelopeFrom,
    notVerified: (object) => replies.senderNotVerified(shown, object),
    notAuthorized: () => replies.senderNotAuthorized(shown, userName),
  });
}

/** Judges the mailbox of the From field; `shown` is the address as the message has it. */
export function checkHeaderSender(
  config: RelayConfig,
  userName: string,
  user: UserConfig,
  mailbox: Mailbox,
  shown: string = formatMailbox(mailbox),
): Objection | undefined {
  const none = noVerifiedSender(config, userName, user);
  if (none !== undefined) return none;
  return judge(config, user, mailbox, {
    shown,
    mode: senderPolicyOf(config, user).headerFrom,
    notVerified: (object) => replies.fromNotVerified(shown, object),
    notAuthorized: () => replies.fromNotAuthorized(shown, userName),
  });
}

/** Judges another field that claims who sent the message (Sender, Resent-From), where a policy wants that. */
export function checkFieldSender(
  config: RelayConfig,
  userName: string,
  user: UserConfig,
  mailbox: Mailbox,
  { field, shown }: { readonly field: string; readonly shown: string },
): Objection | undefined {
  return judge(config, user, mailbox, {
    shown,
    mode: senderPolicyOf(config, user).headerFrom,
    notVerified: (object) => replies.senderNotVerified(`${field} ${shown}`, object),
    notAuthorized: () => replies.senderNotAuthorized(`${field} ${shown}`, userName),
  });
}

function senderPolicyOf(config: RelayConfig, user: UserConfig): SenderPolicy {
  return config.lists.get(user.list)?.senderPolicy ?? STRICTEST;
}

function noVerifiedSender(config: RelayConfig, userName: string, user: UserConfig): Objection | undefined {
  const senders = sendersOf(config, user);
  if (senders.some((rule) => rule.verified)) return undefined;
  const unchecked = senders.find((rule) => rule.unchecked === true);
  return refuse(
    unchecked === undefined ? replies.noVerifiedSender(userName) : replies.senderUnchecked(unchecked.object),
  );
}

interface JudgeOptions {
  readonly shown: string;
  readonly mode: 'Enforce' | 'Audit';
  readonly notVerified: (object: string) => Reply;
  readonly notAuthorized: () => Reply;
}

function judge(config: RelayConfig, user: UserConfig, mailbox: Mailbox, options: JudgeOptions): Objection | undefined {
  const covering = coveringRules(config, user, mailbox, options.shown);
  if (covering.some((rule) => rule.verified)) return undefined;
  return { reply: replyAbout(covering, options), isAudited: options.mode === 'Audit' };
}

/** One rule that may turn out to be verified is enough for the client to try again. */
function replyAbout(
  covering: readonly SenderRule[],
  { notVerified, notAuthorized }: Pick<JudgeOptions, 'notVerified' | 'notAuthorized'>,
): Reply {
  const unchecked = covering.find((rule) => rule.unchecked === true);
  if (unchecked !== undefined) return replies.senderUnchecked(unchecked.object);
  const [pending] = covering;
  return pending === undefined ? notAuthorized() : notVerified(pending.object);
}

export function refuse(reply: Reply): Objection {
  return { reply, isAudited: false };
}
