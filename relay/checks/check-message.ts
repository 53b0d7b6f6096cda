/**
 * Whether a message is fit to be taken: an ordered list of small checks on exactly the header octets that are sent on;
 * the first objection gives the reply. Fields that no policy judges are passed on as they are, well-formed or not.
 */
import { formatMailbox, isInternational, type Mailbox } from '../address.ts';
import { checkFieldSender, checkHeaderSender, isVerifiedSender, refuse, type Objection } from './check-sender.ts';
import type { ListConfig, RelayConfig, UserConfig } from '../config/config.ts';
import { readAuthor, readFrom, type Author } from './from-header.ts';
import { charactersOf, scanHeaderSection, unfold, type HeaderField } from './header-section.ts';
import { changesTo, type HeaderChanges } from './header-changes.ts';
import { hiddenRecipients } from './hidden-recipients.ts';
import { forbidsReceived } from './signed-fields.ts';
import { parseMailboxList } from './mailbox-list.ts';
import type { Reason } from '../reason.ts';
import { isReply, replies, type Reply } from '../replies.ts';

export interface Submission {
  readonly config: RelayConfig;
  readonly userName: string;
  readonly user: UserConfig;
  readonly list: ListConfig;
  /** The message up to and with its empty line; all of it where there is none. */
  readonly headerSection: Buffer;
  /** The client asked for SMTPUTF8: header fields are in UTF-8 (RFC 6532). Otherwise they are octets. */
  readonly isUtf8: boolean;
  /** It goes to no smart host: a copy of it is kept for each of its recipients. */
  readonly isKept?: boolean;
}

export interface PassedMessage {
  readonly from: Mailbox;
  readonly changes: HeaderChanges;
  /** As it is written, without its angle brackets. */
  readonly messageId: string | undefined;
  /** A field that is sent on has octets above 127. */
  readonly isEightBit: boolean;
  /** What an enforcing list would have refused. */
  readonly audited: readonly Reason[];
}

interface Message extends Submission {
  readonly fields: readonly HeaderField[];
  readonly from: Author;
}

/** At most one of each (RFC 5322 section 3.6); the names of those that say what the body is come from RFC 2045. */
const UNIQUE_FIELDS = 'from sender reply-to to cc subject date message-id in-reply-to references';
const UNIQUE_MIME_FIELDS = 'mime-version content-type content-transfer-encoding content-disposition';
const UNIQUE = new Set([UNIQUE_FIELDS, UNIQUE_MIME_FIELDS].flatMap((names) => names.split(' ')));

/** Fields besides From that claim who sent the message; Outlook, for one, shows them as `A on behalf of B`. */
const SENDER_FIELDS = new Set(['sender', 'resent-from', 'resent-sender']);

/** In order. Before them the header must be readable and have one valid From, for without it there is nothing to judge. */
export const MESSAGE_CHECKS: readonly {
  readonly name: string;
  readonly check: (message: Message) => Objection | undefined;
}[] = [
  { name: 'loop', check: checkLoop },
  { name: 'unique fields', check: checkUnique },
  { name: 'signature', check: checkSignature },
  { name: 'from', check: checkFrom },
  { name: 'display name', check: checkDisplayName },
  { name: 'sender', check: checkSenderFields },
  { name: 'reply-to', check: checkReplyTo },
  { name: 'hidden recipients', check: checkHiddenRecipients },
];

/** Judges the header section of a message; the envelope has been judged before. Never throws. */
export function checkMessage(submission: Submission): PassedMessage | Reply {
  const { headerSection, config, isUtf8 } = submission;
  const fields = scanHeaderSection(headerSection, { ...config.class.session, isUtf8 });
  if (isReply(fields)) return fields;
  const from = readFrom(fields, { isUtf8 });
  if (isReply(from)) return from;
  const audited: Reason[] = [];
  for (const { check } of MESSAGE_CHECKS) {
    const objection = check({ ...submission, fields, from });
    if (objection?.isAudited === false) return objection.reply;
    if (objection !== undefined) audited.push(objection.reply.reason);
  }
  const changes = changesTo(fields, submission.list.senderPolicy);
  const messageId = messageIdIn(fields);
  return { from: from.mailbox, changes, messageId, isEightBit: isEightBit(fields, changes), audited };
}

/** RFC 5322 section 3.6.4 makes it one line; nothing longer is of use to anybody who looks for it. */
const MESSAGE_ID = /^\s*<([!-;=?-~]{1,250})>\s*$/;

function messageIdIn(fields: readonly HeaderField[]): string | undefined {
  const field = fields.find(({ key }) => key === 'message-id');
  return MESSAGE_ID.exec(field?.value ?? '')?.[1];
}

function isEightBit(fields: readonly HeaderField[], { dropped }: HeaderChanges): boolean {
  const isDropped = ({ offset }: HeaderField) => dropped.some(({ start }) => start === offset);
  return fields.some((field) => isInternational(field.value) && !isDropped(field));
}

function checkLoop({ fields, config }: Message): Objection | undefined {
  const hops = fields.filter((field) => field.key === 'received').length;
  return hops > config.class.session.receivedHeaders ? refuse(replies.loop()) : undefined;
}

function checkUnique({ fields }: Message): Objection | undefined {
  const seen = new Set<string>();
  for (const { key, name } of fields) {
    if (seen.has(key)) return refuse(replies.headerInvalid(`more than one ${name} field`));
    if (UNIQUE.has(key)) seen.add(key);
  }
  return undefined;
}

function checkSignature({ fields }: Message): Objection | undefined {
  if (!forbidsReceived(fields)) return undefined;
  const why = 'its DKIM signature says that there are no more Received fields, and each relay adds one';
  return refuse(replies.headerInvalid(`${why}; sign without Received`));
}

function checkFrom({ config, userName, user, from }: Message): Objection | undefined {
  return checkHeaderSender(config, userName, user, from.mailbox, from.address);
}

function checkDisplayName({ user, list, from }: Message): Objection | undefined {
  return judgeDisplayName('From', from, { user, list });
}

function judgeDisplayName(
  fieldName: string,
  { nameProblem }: Author,
  { user, list }: Pick<Submission, 'user' | 'list'>,
): Objection | undefined {
  const { displayName, headerFrom } = list.senderPolicy;
  if (nameProblem === undefined || displayName === 'Allow') return undefined;
  const reply = replies.displayNameDenied(`${fieldName} ${nameProblem}`, user.list);
  return { reply, isAudited: headerFrom === 'Audit' };
}

function checkSenderFields({ config, userName, user, list, fields, isUtf8 }: Message): Objection | undefined {
  let audited: Objection | undefined;
  if (list.senderPolicy.sender === 'Any') return undefined;
  for (const field of fields.filter(({ key }) => SENDER_FIELDS.has(key))) {
    const author = readAuthor(field, { refuse: replies.headerInvalid, isUtf8 });
    if (isReply(author)) return refuse(author);
    for (const objection of [
      checkFieldSender(config, userName, user, author.mailbox, { field: field.name, shown: author.address }),
      judgeDisplayName(field.name, author, { user, list }),
    ]) {
      if (objection?.isAudited === false) return objection;
      audited = objection ?? audited;
    }
  }
  return audited;
}

function checkReplyTo({ config, user, list, fields, from, isUtf8 }: Message): Objection | undefined {
  const { replyTo } = list.senderPolicy;
  const field = fields.find(({ key }) => key === 'reply-to');
  if (field === undefined || replyTo === 'Any') return undefined;
  const text = charactersOf(unfold(field.value), { isUtf8 });
  const mailboxes = text === undefined ? undefined : parseMailboxList(text);
  if (mailboxes === undefined) return refuse(replies.headerInvalid(`${field.name} is not a plain list of mailboxes`));
  const mayReplyTo = (mailbox: Mailbox, address: string) =>
    replyTo === 'SameAsFrom'
      ? formatMailbox(mailbox) === formatMailbox(from.mailbox)
      : isVerifiedSender(config, user, mailbox, address);
  const denied = mailboxes.find(({ mailbox, address }) => !mayReplyTo(mailbox, address));
  return denied === undefined ? undefined : refuse(replies.replyToDenied(denied.address, user.list));
}

function checkHiddenRecipients({ user, list, fields, isKept = false }: Message): Objection | undefined {
  const field = list.recipients === undefined || isKept ? undefined : hiddenRecipients(fields);
  return field === undefined ? undefined : refuse(replies.recipientsHidden(field, user.list));
}
