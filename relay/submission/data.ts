/** DATA: takes a message, judges it, and answers once it is durable. */
import path from 'node:path';
import { parseMailbox } from '../address.ts';
import { checkMessage } from '../checks/check-message.ts';
import type { HeaderChanges } from '../checks/header-changes.ts';
import { dateField, messageIdField, receivedField } from '../checks/trace-header.ts';
import type { Recipient, SubmittedMessage } from '../message.ts';
import { applyGuard, judgeRecipient, tellGuarded, type Guarded } from '../recipient-guard.ts';
import { isReply, isTaken, replies, type Answer, type Reply } from '../replies.ts';
import { mayBeSigned } from '../dkim/sign-message.ts';
import { admit, queuedFor, type Admitted } from './admission.ts';
import { checkSender, isUnverifiedSender } from './mail.ts';
import type { BodyRoom } from './incoming-body.ts';
import { createQueueId } from './queue-id.ts';
import { receive, type Received } from './receive.ts';
import { noteMessage } from './session-log.ts';
import { replyToStorageFailure } from '../spool/storage-failure.ts';
import { spanOfSubmission } from '../tracing/message-spans.ts';
import {
  messageTraceOf,
  readTraceContext,
  traceField,
  type MessageTrace,
  type TraceContext,
} from '../tracing/trace-context.ts';
import { giveBackTickets, type Reception, type Session, type Transaction } from './state.ts';

interface Submission {
  readonly session: Session;
  readonly transaction: Transaction;
  readonly reception: Reception;
  /** As last admitted: the message is judged by the configuration in force when its header is complete. */
  admitted: Admitted;
  /** That the client says it belongs to; known once its header section is. */
  traced: { readonly context: TraceContext; readonly trace: MessageTrace } | undefined;
  /** What is sent on of the header section has octets above 127, and the client asked for SMTPUTF8. */
  hasUtf8Header: boolean;
  /** For the log, by which people find the message again. */
  messageId?: string | undefined;
}

/**
 * Commands may be pipelined up to DATA, data may not (RFC 2920 section 3.1). A client that sends it all the same has not asked
 * whether we take it; and where we do not, its lines must not be read as commands of the user who is logged in.
 */
export async function data(session: Session, text: string): Promise<Answer> {
  const isEarly = session.conn.hasUnread;
  const submission = begin(session, text, { isEarly });
  if (isReply(submission)) return isEarly ? { ...submission, close: true } : submission;
  const { services, conn } = session;
  const { transaction, reception } = submission;
  session.reception = reception;
  conn.reply({ code: 354, lines: ['End data with <CR><LF>.<CR><LF>'] });
  const received = await receive(conn, receiveOptions(submission));
  if ('interruption' in received) return received.interruption;
  session.transaction = undefined;
  reception.isComplete = true;
  const dataEnd = services.monotonicNow();
  const answer = isReply(received) ? received : await store(submission, received);
  // a sandbox spends its rates too: it is there to show what would happen
  if (!isTaken(answer)) giveBackTickets(transaction);
  const { traced, admitted } = submission;
  const facts = {
    id: reception.id,
    list: admitted.user.list,
    transaction,
    trace: traced?.trace,
    isTaken: isTaken(answer),
    messageId: submission.messageId,
    size: reception.octets,
    dataMs: Math.round(dataEnd - reception.startedAt),
    storeMs: Math.round(services.monotonicNow() - dataEnd),
  };
  noteMessage(session, answer, facts);
  if (traced !== undefined) spanOfSubmission(services.spans, traced, answer, facts);
  return { ...answer, stage: 'message' };
}

function begin(session: Session, text: string, { isEarly }: { isEarly: boolean }): Submission | Reply {
  const admitted = admit(session);
  if (isReply(admitted)) return admitted;
  const { transaction, services } = session;
  if (text !== '') return replies.badArgument('Syntax: DATA');
  if (transaction === undefined || transaction.recipients.size === 0) {
    return replies.badSequence('Need MAIL and RCPT before DATA');
  }
  const objection = checkSenderAgain(session, admitted, transaction);
  if (objection !== undefined) return objection;
  if (isEarly) return replies.dataBefore354();
  const startedAt = services.monotonicNow();
  const reception = { id: createQueueId(services.now()), startedAt, octets: 0, isComplete: false };
  return { session, transaction, reception, admitted, traced: undefined, hasUtf8Header: false };
}

/** The configuration may have changed since MAIL. */
function checkSenderAgain(session: Session, admitted: Admitted, { config, from }: Transaction): Reply | undefined {
  if (admitted.config === config) return undefined;
  return checkSender(session, admitted, parseMailbox(from), from);
}

function receiveOptions(submission: Submission): Parameters<typeof receive>[1] {
  const { session, reception, admitted } = submission;
  const { headerBytes, lineBytes } = admitted.config.class.session;
  return {
    messageBytes: admitted.user.limits.messageBytes,
    headerBytes,
    lineBytes,
    pathOf: () => path.join(session.services.incomingFolder, `${reception.id}.part`),
    room: roomOf(submission),
    isHashed: mayBeSigned(admitted.config, admitted.user.namespace),
    judge: (headerSection) => judge(submission, headerSection),
    onOctets: (count) => (reception.octets += count),
    fail: (error) => fail(submission, error),
  };
}

/** For what is written while the message comes in. */
function roomOf({ session, admitted }: Submission): BodyRoom {
  const { refusal, use, incoming } = session.services.room;
  const { namespace } = admitted.user;
  let written = 0;
  const count = (bytes: number) => {
    written += bytes;
    incoming(namespace, bytes);
  };
  return {
    refusal: (bytes) => refusal(bytes, queuedFor(admitted)),
    use: (bytes, write) => {
      count(bytes);
      return use(bytes, write);
    },
    release: () => count(-written),
  };
}

function judge(submission: Submission, headerSection: Buffer): HeaderChanges | Reply {
  const { session, transaction, reception } = submission;
  const context = readTraceContext(headerSection);
  submission.traced = context && { context, trace: messageTraceOf(context) };
  const admitted = admit(session);
  if (isReply(admitted)) return admitted;
  submission.admitted = admitted;
  const { smtpUtf8: isUtf8 = false } = transaction.parameters;
  const isKept = [...transaction.verdicts.values()].every((verdict) => verdict === 'captured');
  const verdict = checkMessage({ ...admitted, headerSection, isUtf8, isKept });
  if (isReply(verdict)) return verdict;
  submission.hasUtf8Header = isUtf8 && verdict.isEightBit;
  submission.messageId = verdict.messageId;
  const { list, user, from } = transaction;
  const { log, metrics } = session.services;
  for (const reason of verdict.audited) {
    metrics.audited.inc({ list, reason });
    const about = { id: reception.id, list, user, ...traceField(submission.traced?.trace) };
    log.warn({ stage: 'message', reason, ...about, remote: session.address, from }, 'audited');
  }
  return verdict.changes;
}

/** Hands the message to whatever takes responsibility for it. Never rejects, and leaves nothing behind that was not taken. */
async function store(submission: Submission, received: Received): Promise<Reply> {
  const reply = await put(submission, received).catch((error: unknown) => fail(submission, error));
  // where the spool took the file over, there is nothing left to remove
  await received.discard();
  return reply;
}

async function put(submission: Submission, received: Received): Promise<Reply> {
  const { session, admitted } = submission;
  const { services } = session;
  if (admitted.user.mode === 'Sandbox') return replies.sandboxed();
  const guarded = guard(submission);
  if (isReply(guarded)) return guarded;
  const head = Buffer.from(addedFields(submission, received.changes), 'latin1');
  const size = head.length + received.size;
  // a file is on the disk already, and what passes through goes there only as a file
  const unwritten = received.body.kind === 'memory' && admitted.list.delivery.mode === 'Spool' ? size : 0;
  const refusal = services.room.refusal(unwritten, queuedFor(admitted));
  if (refusal !== undefined) return refusal;
  const message = messageOf(submission, guarded, { size, received });
  const reply = await services.accept(message, { head, body: received.body });
  if (reply.reason === 'accepted') services.metrics.messageBytes.observe(size);
  return reply;
}

/** By the guard in force now, which must come to what the client was told. */
function guard({ session, transaction, reception, admitted }: Submission): Guarded<Recipient> | Reply {
  const { recipients, verdicts, user } = transaction;
  const { list } = admitted.user;
  const inForce = session.services.config()?.lists.get(list) ?? admitted.list;
  const isAsSaid = [...recipients].every(([key, { address }]) => {
    return judgeRecipient(inForce.recipients, address) === verdicts.get(key);
  });
  if (!isAsSaid) return replies.recipientsChanged(list);
  const guarded = applyGuard(inForce.recipients, [...recipients.values()]);
  tellGuarded(guarded, { id: reception.id, list, user }, session.services);
  return guarded;
}

/** The lines that we put in front. */
function addedFields({ session, transaction, reception, admitted }: Submission, { missing }: HeaderChanges): string {
  const { hostname } = admitted.config.class;
  const { id } = reception;
  const date = new Date(session.services.now());
  const received = receivedField({
    hostname,
    helo: session.helo?.name ?? '',
    remoteAddress: session.address,
    tls: session.conn.tls,
    isUtf8: transaction.parameters.smtpUtf8 ?? false,
    id,
    date,
  });
  return received + (missing.messageId ? messageIdField(id, hostname) : '') + (missing.date ? dateField(date) : '');
}

function messageOf(
  { session, transaction, reception, admitted, traced, hasUtf8Header }: Submission,
  { deliver, captured }: Guarded<Recipient>,
  { size, received }: { readonly size: number; readonly received: Received },
): SubmittedMessage {
  const { parameters, from, user } = transaction;
  const { ret, envelopeId } = parameters;
  return {
    id: reception.id,
    user,
    namespace: admitted.user.namespace,
    list: admitted.user.list,
    envelope: {
      from,
      recipients: deliver,
      eightBit: received.isEightBit,
      ...(hasUtf8Header ? { hasUtf8Header } : {}),
      ...(ret === undefined ? {} : { ret }),
      ...(envelopeId === undefined ? {} : { envelopeId }),
    },
    ...(isUnverifiedSender(admitted, from) ? { unverifiedSender: true } : {}),
    ...(captured.length === 0 ? {} : { captured: captured.map(({ address }) => address) }),
    ...(traced === undefined ? {} : { trace: traced.trace }),
    ...(received.bodyHash === undefined ? {} : { bodyHash: received.bodyHash }),
    size,
    received: new Date(session.services.now()).toISOString(),
  };
}

function fail({ session, reception }: Submission, error: unknown): Reply {
  session.services.log.error({ err: error, id: reception.id }, 'message could not be stored');
  return replyToStorageFailure(error);
}
