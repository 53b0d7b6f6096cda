/** MAIL and RCPT: the envelope, judged command by command. */
import { canonicalDomain, formatMailbox, isInternational, parseMailbox, type Mailbox } from '../address.ts';
import { admit, queuedFor, type Admitted } from './admission.ts';
import { checkEnvelopeSender, isVerifiedSender } from '../checks/check-sender.ts';
import {
  decodeLine,
  parseEnvelopeArguments,
  parseMailParameters,
  parseRecipientParameters,
  type EnvelopeArguments,
  type MailParameters,
} from './envelope-syntax.ts';
import type { Rate, RateTicket } from './rate-limits.ts';
import { parseRecipient, recipientKey } from './recipient-path.ts';
import { provokedRefusal } from './provoked-refusal.ts';
import { judgeRecipient, type RecipientVerdict } from '../recipient-guard.ts';
import { isReply, replies, type Answer, type Reply, type RefusedSubject } from '../replies.ts';
import { monthLeftMs, monthOf } from '../usage/months.ts';
import { ok, type Session, type Transaction } from './state.ts';

export async function mail(session: Session, text: string): Promise<Answer> {
  const line = decodeLine(text);
  const args = parseEnvelopeArguments(line, 'FROM');
  // the path, or what came in its place
  return about({ from: args.path ?? line }, await begin(session, args));
}

async function begin(session: Session, args: EnvelopeArguments): Promise<Answer> {
  const admission = admit(session);
  if (isReply(admission)) return admission;
  if (session.transaction !== undefined) return replies.badSequence('Sender already given');
  const tickets = await countMessage(session, admission);
  if (isReply(tickets)) return tickets;
  const envelope = readEnvelope(session, admission, args);
  if (isReply(envelope)) {
    for (const ticket of tickets) ticket.giveBack();
    return envelope;
  }
  const { config, userName, user } = admission;
  session.transaction = {
    ...envelope,
    config,
    user: userName,
    list: user.list,
    recipients: new Map(),
    verdicts: new Map(),
    tickets: [...tickets],
  };
  return ok('Ok', '2.1.0');
}

/** A refusal with the address that it is about, for the log. */
function about(address: RefusedSubject, answer: Answer): Answer {
  return answer.code < 400 ? answer : { ...answer, about: address };
}

/** What the arguments say, in the order of the reasons against them: alphabet, size, room, parameters, address, sender. */
function readEnvelope(
  session: Session,
  admitted: Admitted,
  args: EnvelopeArguments,
): Pick<Transaction, 'from' | 'parameters'> | Reply {
  const isOffered = admitted.config.class.smtputf8 === 'Allow';
  const isAsked = args.parameters.has('SMTPUTF8');
  const objectionToAlphabet = objectionToNonAscii(args.path ?? '', { isOffered, isAsked });
  if (objectionToAlphabet !== undefined) return objectionToAlphabet;
  const parameters = parseMailParameters(args, { smtpUtf8: isOffered });
  if (isReply(parameters)) return parameters;
  const objection = checkSize(session, admitted, parameters);
  if (objection !== undefined) return objection;
  if (args.path === undefined) return replies.badSender();
  const mailbox = args.path === '' ? undefined : parseMailbox(args.path);
  if (args.path !== '' && mailbox === undefined) return replies.badSender();
  const refusal = checkSender(session, admitted, mailbox, args.path);
  if (refusal !== undefined) return refusal;
  return { from: mailbox === undefined ? '' : asWritten(args.path, mailbox), parameters };
}

/** RFC 6531: where the class offers it, and MAIL asked for it. The objection names what to write instead, where there is such a thing. */
function objectionToNonAscii(
  path: string,
  { isOffered, isAsked }: { readonly isOffered: boolean; readonly isAsked: boolean },
): Reply | undefined {
  if (!isInternational(path) || (isOffered && isAsked)) return undefined;
  const at = path.lastIndexOf('@');
  const local = path.slice(0, at);
  const domain = isInternational(local) ? undefined : canonicalDomain(path.slice(at + 1));
  const instead = domain === undefined ? undefined : `${local}@${domain}`;
  return isOffered ? replies.smtpUtf8NotAsked(instead) : replies.nonAsciiAddress(instead);
}

/** Canonical domain, but the local part as written, whose case is its domain's own affair; composed, as it was compared. */
function asWritten(path: string, { domain }: Mailbox): string {
  return formatMailbox({ local: path.slice(0, path.lastIndexOf('@')).normalize('NFC'), domain });
}

/** RFC 1870 section 6.1: a declared size that cannot be taken is refused before a single octet is sent. */
function checkSize(session: Session, admitted: Admitted, { size }: MailParameters): Reply | undefined {
  const { messageBytes } = admitted.user.limits;
  if (size > messageBytes) return replies.tooLarge(messageBytes);
  return session.services.room.refusal(size, queuedFor(admitted));
}

/** Judges the envelope sender; what a list only audits is counted and let through. */
export function checkSender(
  session: Session,
  { config, userName, user }: Admitted,
  mailbox: Mailbox | undefined,
  shown: string,
): Reply | undefined {
  const objection = checkEnvelopeSender(config, userName, user, mailbox, shown);
  if (objection === undefined) return undefined;
  if (!objection.isAudited) return objection.reply;
  const { metrics, log } = session.services;
  const { reason, lines } = objection.reply;
  const { list } = user;
  metrics.audited.inc({ list, reason });
  const words = lines.join(' ');
  log.warn({ stage: 'mail', reason, list, user: userName, remote: session.address, from: shown, words }, 'audited');
  return undefined;
}

/** Whether only an audit let the envelope sender through. */
export function isUnverifiedSender({ config, user }: Admitted, from: string): boolean {
  const mailbox = parseMailbox(from);
  return mailbox !== undefined && !isVerifiedSender(config, user, mailbox, from);
}

export async function rcpt(session: Session, text: string): Promise<Answer> {
  const line = decodeLine(text);
  const args = parseEnvelopeArguments(line, 'TO');
  return about({ to: args.path ?? line }, await addRecipient(session, args));
}

async function addRecipient(session: Session, args: EnvelopeArguments): Promise<Answer> {
  const admission = admit(session);
  if (isReply(admission)) return admission;
  const { transaction } = session;
  if (transaction === undefined) return replies.badSequence('Need MAIL before RCPT');
  const { smtpUtf8 = false } = transaction.parameters;
  const isOffered = smtpUtf8 || admission.config.class.smtputf8 === 'Allow';
  const objectionToAlphabet = objectionToNonAscii(args.path ?? '', { isOffered, isAsked: smtpUtf8 });
  if (objectionToAlphabet !== undefined) return objectionToAlphabet;
  const address = args.path === undefined ? undefined : parseRecipient(args.path);
  if (address === undefined) return replies.badRecipient();
  const parameters = parseRecipientParameters(args, { smtpUtf8 });
  if (isReply(parameters)) return parameters;
  const verdict = judgeRecipient(admission.list.recipients, address);
  if (verdict === 'refused') return refuseRecipient(session, address, admission.user.list);
  const provoked = provokedRefusal(admission, address);
  if (provoked !== undefined) return provoked;
  const key = recipientKey(address);
  if (!transaction.recipients.has(key)) {
    const objection = await countRecipient(session, admission, transaction);
    if (objection !== undefined) return objection;
  }
  transaction.recipients.set(key, { address, ...parameters });
  transaction.verdicts.set(key, verdict);
  return answerTo(verdict, admission.user.list);
}

function refuseRecipient({ services }: Session, address: string, list: string): Reply {
  services.metrics.guardedRecipients.inc({ list, outcome: 'refused' });
  return replies.recipientNotAllowed(address, list);
}

function answerTo(verdict: Exclude<RecipientVerdict, 'refused'>, list: string): Answer {
  switch (verdict) {
    case 'allowed':
      return ok('Ok', '2.1.5');
    case 'captured':
      return replies.recipientCaptured(list);
    case 'redirected':
      return replies.recipientRedirected(list);
  }
}

async function countRecipient(
  session: Session,
  admitted: Admitted,
  transaction: Transaction,
): Promise<Reply | undefined> {
  if (transaction.recipients.size >= admitted.user.limits.recipientsPerMessage) return replies.tooManyRecipients();
  const ticket = await spend(session, admitted, 'recipientsPerDay');
  if (isReply(ticket)) return ticket;
  transaction.tickets.push(ticket);
  return undefined;
}

/** Against the rate of the hour, and the quota of the month. */
async function countMessage(session: Session, admitted: Admitted): Promise<readonly RateTicket[] | Reply> {
  const { object, quotaUsed } = admitted.user;
  const now = session.services.now();
  // by all relays together, as the operator has said
  if (quotaUsed === monthOf(now)) return replies.messagesPerMonth(object, Math.ceil(monthLeftMs(now) / 1000));
  const ofHour = await spend(session, admitted, 'messagesPerHour');
  if (isReply(ofHour)) return ofHour;
  const ofMonth = await spend(session, admitted, 'messagesPerMonth');
  if (!isReply(ofMonth)) return [ofHour, ofMonth];
  ofHour.giveBack();
  return ofMonth;
}

function spend(session: Session, { userName, user, config }: Admitted, what: Rate): Promise<RateTicket | Reply> {
  const { messagesPerHour, recipientsPerDay, messagesPerMonth } = user.limits;
  // a quota is told of by object, and outlives a change of the name
  const who = what === 'messagesPerMonth' ? user.object : userName;
  const { relays } = config.class;
  return session.services.limits.rates.spend(what, who, {
    messagesPerHour,
    recipientsPerDay,
    messagesPerMonth,
    relays,
  });
}
