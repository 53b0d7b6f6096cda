/** DATA: takes a message, judges it, and answers once it is durable. */
import { parseMailbox } from '../address.ts';
import { admit, type Admitted } from './admission.ts';
import { checkMessage } from '../checks/check-message.ts';
import type { HeaderChanges } from '../checks/header-changes.ts';
import { checkSender, isUnverifiedSender } from './mail-commands.ts';
import type { Recipient, SubmittedMessage } from '../message.ts';
import { createQueueId } from './queue-id.ts';
import { createReceiver, replyToFailure, type Judgement, type ReceivedMessage, type Receiver } from './receive.ts';
import { applyGuard, judgeRecipient, tellGuarded, type Guarded } from '../recipient-guard.ts';
import { isTaken, replies, type Reply } from '../replies.ts';
import { noteMessage } from './session-log.ts';
import { giveBackTickets, type Answer, type Session, type Transaction } from './state.ts';
import { dateField, messageIdField, receivedField } from '../checks/trace-header.ts';
import path from 'node:path';

interface Delivery {
  readonly session: Session;
  readonly transaction: Transaction;
  readonly id: string;
  /** By the monotonic clock. */
  readonly startedAt: number;
  /** As last admitted: the message is judged by the configuration in force when its header is complete. */
  admitted: Admitted;
}

/**
 * Commands may be pipelined up to DATA, data may not (RFC 2920 section 3.1). Who sends it all the same has not asked
 * whether we take it; and where we do not, its lines must not be read as commands of the user who is logged in.
 */
export function data(session: Session, text: string): Answer {
  const isEarly = session.transport.hasUnread;
  const answer = begin(session, text, { isEarly });
  return isEarly ? { ...answer, close: true } : answer;
}

function begin(session: Session, text: string, { isEarly }: { isEarly: boolean }): Answer {
  const admission = admit(session);
  if (admission.verdict === 'refuse') return admission.reply;
  const { transaction } = session;
  if (text !== '') return replies.badArgument('Syntax: DATA');
  if (transaction === undefined || transaction.recipients.size === 0) {
    return replies.badSequence('Need MAIL and RCPT before DATA');
  }
  const objection = checkSenderAgain(session, admission, transaction);
  if (objection !== undefined) return objection;
  if (isEarly) return replies.badSequence('Data sent before 354');
  const { now, monotonicNow } = session.services;
  const id = createQueueId(now());
  const delivery = { session, transaction, id, startedAt: monotonicNow(), admitted: admission };
  return { code: 354, lines: ['End data with <CR><LF>.<CR><LF>'], afterwards: () => receive(delivery) };
}

/** The configuration may have changed since MAIL. */
function checkSenderAgain(session: Session, admitted: Admitted, { config, from }: Transaction): Reply | undefined {
  if (admitted.config === config) return undefined;
  return checkSender(session, admitted, parseMailbox(from), from);
}

function receive(delivery: Delivery): void {
  const { session, id, startedAt, admitted } = delivery;
  const receiver = createReceiver({
    messageBytes: admitted.user.limits.messageBytes,
    headerBytes: admitted.config.class.session.headerBytes,
    path: path.join(session.services.incomingFolder, `${id}.part`),
    room: session.services.room,
    judge: (headerSection) => judge(delivery, headerSection),
  });
  session.reception = { startedAt, octets: receiver.octets, discard: receiver.discard, isComplete: false };
  session.transport.readData({
    write: receiver.write,
    ready: () => {
      const writing = receiver.ready();
      return writing === undefined ? undefined : session.whileBusy(writing);
    },
    ended: receiver.ended,
    finish: () => session.whileBusy(finish(delivery, receiver)),
  });
}

function judge(delivery: Delivery, headerSection: Buffer): Judgement {
  const { session, transaction } = delivery;
  const admission = admit(session);
  if (admission.verdict === 'refuse') return admission;
  delivery.admitted = admission;
  const verdict = checkMessage({ ...admission, headerSection });
  if (verdict.verdict === 'refuse') return verdict;
  for (const reason of verdict.audited) {
    const { list, user, from } = transaction;
    session.services.metrics.audited.inc({ list, reason });
    const { log } = session.services;
    log.warn({ stage: 'message', reason, id: delivery.id, list, user, remote: session.address, from }, 'audited');
  }
  const { missing, dropped } = verdict.changes;
  return { verdict: 'pass', head: () => addedFields(delivery, missing), dropped };
}

function addedFields({ session, id, admitted }: Delivery, missing: HeaderChanges['missing']): string {
  const { hostname } = admitted.config.class;
  const date = new Date(session.services.now());
  const received = receivedField({
    hostname,
    helo: session.helo?.name ?? '',
    remoteAddress: session.address,
    tls: session.transport.tls,
    authenticated: true,
    id,
    date,
  });
  return received + (missing.messageId ? messageIdField(id, hostname) : '') + (missing.date ? dateField(date) : '');
}

/** Never rejects: whatever goes wrong is answered, and leaves nothing behind. */
async function finish(delivery: Delivery, receiver: Receiver): Promise<void> {
  const { session, transaction } = delivery;
  if (session.reception !== undefined) session.reception.isComplete = true;
  session.transaction = undefined;
  const dataEnd = session.services.monotonicNow();
  const answer = await decide(delivery, receiver).catch((error: unknown) => fail(session, delivery.id, error));
  // a sandbox spends its rates too: it is there to show what would happen
  if (!isTaken(answer)) giveBackTickets(transaction);
  // where the spool took the file over, there is nothing left to remove
  await receiver.discard();
  noteMessage(session, answer, {
    id: delivery.id,
    list: delivery.admitted.user.list,
    transaction,
    isTaken: isTaken(answer),
    size: receiver.octets(),
    dataMs: Math.round(dataEnd - delivery.startedAt),
    storeMs: Math.round(session.services.monotonicNow() - dataEnd),
  });
  session.reception = undefined;
  session.respond(answer, 'message');
}

async function decide(delivery: Delivery, receiver: Receiver): Promise<Reply & { readonly close?: boolean }> {
  const result = await receiver.finish();
  return result.verdict === 'pass' ? take(delivery, result.message) : { ...result.reply, close: result.close };
}

async function take(delivery: Delivery, { content, size, isEightBit }: ReceivedMessage): Promise<Reply> {
  const { session, transaction, id, admitted } = delivery;
  const { services } = session;
  if (admitted.user.mode === 'Sandbox') return replies.sandboxed();
  // a file is on the disk already, and what passes through goes there only as a file
  const unwritten = content.body.kind === 'memory' && admitted.list.delivery.mode === 'Spool' ? size : 0;
  if (!services.room.has(unwritten)) return replies.storage();
  const guarded = guard(delivery);
  if ('code' in guarded) return guarded;
  const { parameters, from, user } = transaction;
  const { ret, envelopeId } = parameters;
  const message: SubmittedMessage = {
    id,
    user,
    list: admitted.user.list,
    envelope: {
      from,
      recipients: guarded.deliver,
      eightBit: isEightBit,
      ...(ret === undefined ? {} : { ret }),
      ...(envelopeId === undefined ? {} : { envelopeId }),
    },
    ...(isUnverifiedSender(admitted, from) ? { unverifiedSender: true } : {}),
    ...(guarded.captured.length === 0 ? {} : { captured: guarded.captured.map(({ address }) => address) }),
    size,
    received: new Date(services.now()).toISOString(),
  };
  const reply = await services.room.use(unwritten, () => services.accept(message, content));
  if (reply.reason === 'accepted') services.metrics.messageBytes.observe(size);
  return reply;
}

/** By the guard in force now, which must come to what the client was told. */
function guard({ session, transaction, admitted, id }: Delivery): Guarded<Recipient> | Reply {
  const { recipients, verdicts, user } = transaction;
  const { list } = admitted.user;
  const inForce = session.services.config()?.lists.get(list) ?? admitted.list;
  const isAsSaid = [...recipients].every(([key, { address }]) => {
    return judgeRecipient(inForce.recipients, address) === verdicts.get(key);
  });
  if (!isAsSaid) return replies.recipientsChanged(list);
  const guarded = applyGuard(inForce.recipients, [...recipients.values()]);
  tellGuarded(guarded, { id, list, user }, session.services);
  return guarded;
}

function fail(session: Session, id: string, error: unknown): Reply {
  session.services.log.error({ err: error, id }, 'message could not be stored');
  return replyToFailure(error);
}
