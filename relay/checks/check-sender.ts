/**
 * Who may send as whom. Envelope sender and header From are judged by the same rules; a list that audits turns a "no"
 * about one of them into acceptance that somebody counts.
 */
import { covers, formatMailbox, type Mailbox } from '../address.ts';
import type { RelayConfig, SenderPolicy, SenderRule, UserConfig } from '../config.ts';
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

export function isVerifiedSender(config: RelayConfig, user: UserConfig, mailbox: Mailbox): boolean {
  return sendersOf(config, user).some((rule) => rule.verified && covers(rule, mailbox));
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
  if (!hasVerifiedSender(config, user)) return refuse(replies.noVerifiedSender(userName));
  const policy = senderPolicyOf(config, user);
  if (mailbox === undefined) return policy.nullSender === 'Allow' ? undefined : refuse(replies.nullSender());
  return judge(config, user, mailbox, {
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
  if (!hasVerifiedSender(config, user)) return refuse(replies.noVerifiedSender(userName));
  return judge(config, user, mailbox, {
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
    mode: senderPolicyOf(config, user).headerFrom,
    notVerified: (object) => replies.senderNotVerified(`${field} ${shown}`, object),
    notAuthorized: () => replies.senderNotAuthorized(`${field} ${shown}`, userName),
  });
}

function senderPolicyOf(config: RelayConfig, user: UserConfig): SenderPolicy {
  return config.lists.get(user.list)?.senderPolicy ?? STRICTEST;
}

function hasVerifiedSender(config: RelayConfig, user: UserConfig): boolean {
  return sendersOf(config, user).some((rule) => rule.verified);
}

function judge(
  config: RelayConfig,
  user: UserConfig,
  mailbox: Mailbox,
  options: {
    readonly mode: 'Enforce' | 'Audit';
    readonly notVerified: (object: string) => Reply;
    readonly notAuthorized: () => Reply;
  },
): Objection | undefined {
  const covering = sendersOf(config, user).filter((rule) => covers(rule, mailbox));
  if (covering.some((rule) => rule.verified)) return undefined;
  const [pending] = covering;
  const reply = pending === undefined ? options.notAuthorized() : options.notVerified(pending.object);
  return { reply, isAudited: options.mode === 'Audit' };
}

export function refuse(reply: Reply): Objection {
  return { reply, isAudited: false };
}
