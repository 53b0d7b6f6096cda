/**
 * What a message must be before it is taken: one ordered list of small checks on exactly the header octets that are sent
 * on; the first that objects gives the reply. Nothing in the message is rewritten, Bcc included: that RFC 6409 section 8
 * allows it does not make the octets ours, and clients take it out themselves.
 */
import { formatMailbox, type Mailbox } from '../address.ts';
import { checkFieldSender, checkHeaderSender, isVerifiedSender, PASS, type Verdict } from './check-sender.ts';
import type { ListConfig, RelayConfig, UserConfig } from '../config.ts';
import { readAuthor, readFrom } from './from-header.ts';
import { scanHeaderSection, unfold, type HeaderField } from './header-section.ts';
import { parseMailboxList, type HeaderMailbox } from './mailbox-list.ts';
import { replies, type Reason, type Reply } from '../replies.ts';

export interface Submission {
  readonly config: RelayConfig;
  readonly userName: string;
  readonly user: UserConfig;
  readonly list: ListConfig;
  /** The message up to and with its empty line; all of it where there is none. */
  readonly headerSection: Buffer;
}

export type MessageVerdict =
  | { readonly verdict: 'refuse'; readonly reply: Reply }
  | {
      readonly verdict: 'pass';
      readonly from: Mailbox;
      /** Fields that the message lacks and that we add (RFC 6409 section 8). */
      readonly missing: { readonly date: boolean; readonly messageId: boolean };
      /** What an enforcing list would have refused. */
      readonly audited: readonly Reason[];
    };

interface Message extends Submission {
  readonly fields: readonly HeaderField[];
  readonly from: HeaderMailbox;
}

/** At most one of each (RFC 5322 section 3.6); the names of those that say what the body is come from RFC 2045. */
const UNIQUE_FIELDS = 'from sender reply-to to cc bcc subject date message-id in-reply-to references';
const UNIQUE_MIME_FIELDS = 'mime-version content-type content-transfer-encoding content-disposition';
/** These may repeat by the RFC; but we stand at the start of a message's way, where nothing has been resent twice. */
const UNIQUE_RESENT_FIELDS = 'resent-from resent-sender';
const UNIQUE = new Set([UNIQUE_FIELDS, UNIQUE_MIME_FIELDS, UNIQUE_RESENT_FIELDS].flatMap((names) => names.split(' ')));

/** Fields besides From that claim who sent the message; Outlook, for one, shows them as `A on behalf of B`. */
const SENDER_FIELDS = new Set(['sender', 'resent-from', 'resent-sender']);

/** In order. Before them the header must be readable and have one valid From, for without it there is nothing to judge. */
export const MESSAGE_CHECKS: readonly { readonly name: string; readonly check: (message: Message) => Verdict }[] = [
  { name: 'loop', check: checkLoop },
  { name: 'unique fields', check: checkUnique },
  { name: 'from', check: checkFrom },
  { name: 'sender', check: checkSenderFields },
  { name: 'reply-to', check: checkReplyTo },
];

/** Judges the header section of a message; the envelope has been judged before. Never throws. */
export function checkMessage(submission: Submission): MessageVerdict {
  const { headerSection, config } = submission;
  const scan = scanHeaderSection(headerSection, config.class.session);
  if (scan.verdict === 'refuse') return scan;
  const { fields } = scan;
  const from = readFrom(fields);
  if (!from.ok) return { verdict: 'refuse', reply: replies.fromInvalid(from.problem) };
  const audited: Reason[] = [];
  for (const { check } of MESSAGE_CHECKS) {
    const verdict = check({ ...submission, fields, from: from.author });
    if (verdict.verdict === 'refuse') return verdict;
    if (verdict.verdict === 'audit') audited.push(verdict.reply.reason);
  }
  const lacks = (key: string) => !fields.some((field) => field.key === key);
  const missing = { date: lacks('date'), messageId: lacks('message-id') };
  return { verdict: 'pass', from: from.author.mailbox, missing, audited };
}

function checkLoop({ fields, config }: Message): Verdict {
  const hops = fields.filter((field) => field.key === 'received').length;
  return hops > config.class.session.receivedHeaders ? refuse(replies.loop()) : PASS;
}

function checkUnique({ fields }: Message): Verdict {
  const seen = new Set<string>();
  for (const { key, name } of fields) {
    if (seen.has(key)) return refuse(replies.headerInvalid(`more than one ${name} field`));
    if (UNIQUE.has(key)) seen.add(key);
  }
  return PASS;
}

function checkFrom({ config, userName, user, from }: Message): Verdict {
  return checkHeaderSender(config, userName, user, from.mailbox, from.address);
}

function checkSenderFields({ config, userName, user, fields }: Message): Verdict {
  let result = PASS;
  for (const field of fields.filter(({ key }) => SENDER_FIELDS.has(key))) {
    const reading = readAuthor(field);
    if (!reading.ok) return refuse(replies.headerInvalid(reading.problem));
    const { mailbox, address } = reading.author;
    const verdict = checkFieldSender(config, userName, user, mailbox, { field: field.name, shown: address });
    if (verdict.verdict === 'refuse') return verdict;
    if (verdict.verdict === 'audit') result = verdict;
  }
  return result;
}

function checkReplyTo({ config, user, list, fields, from }: Message): Verdict {
  const field = fields.find(({ key }) => key === 'reply-to');
  if (field === undefined) return PASS;
  const mailboxes = parseMailboxList(unfold(field.value));
  if (mailboxes === undefined) return refuse(replies.headerInvalid(`${field.name} is not a plain list of mailboxes`));
  const denied = mailboxes.find(({ mailbox }) => !mayReplyTo(mailbox));
  return denied === undefined ? PASS : refuse(replies.replyToDenied(denied.address, user.list));

  function mayReplyTo(mailbox: Mailbox): boolean {
    switch (list.senderPolicy.replyTo) {
      case 'Any':
        return true;
      case 'SameAsFrom':
        return formatMailbox(mailbox) === formatMailbox(from.mailbox);
      case 'Verified':
        return isVerifiedSender(config, user, mailbox);
    }
  }
}

function refuse(reply: Reply): Verdict {
  return { verdict: 'refuse', reply };
}
