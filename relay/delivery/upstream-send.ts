/** One message over a connection that is ready for MAIL: transaction in, a verdict for each recipient out. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { SMTPConnectionSendInfo, SMTPEnvelope, SMTPError } from 'nodemailer/lib/smtp-connection';
import type { DeliverySettings } from '../config.ts';
import { commonDsn, nextGroup } from './dsn-groups.ts';
import type { Content } from '../message.ts';
import type { Verdict } from '../spool/record.ts';
import type { TransportResult, TransportTransaction } from './transport.ts';
import { takeReplies } from './upstream-inner.ts';
import { deferred, failed, printable, readReply } from './upstream-reply.ts';
import { fromXtext } from './xtext.ts';

/** What the upstream offered, after TLS where there is any. */
export interface Extensions {
  readonly eightBitMime: boolean;
  readonly dsn: boolean;
  /** RFC 1870: the largest message it takes, in octets. */
  readonly maxBytes?: number | undefined;
}

/** Slower than this an upstream does not take a message in earnest: 10 MB may take about ten minutes. */
const SLOWEST_BYTES_PER_SECOND = 16 * 1024;

export interface SenderOptions {
  readonly extensions: Extensions;
  readonly settings: DeliverySettings;
  /** A new transaction may bring new replies (upstream-flood.ts). */
  readonly resetReceived: () => void;
}

export function createSender(connection: SMTPConnection, { extensions, settings, resetReceived }: SenderOptions) {
  let count = 0;
  let isBusy = false;
  let needsReset = false;
  let onBroken: ((text: string) => void) | undefined;
  connection.on('error', (error: SMTPError) => {
    if (onBroken === undefined) return;
    takeReplies(connection);
    onBroken?.(error.message);
  });
  connection.once('end', () => onBroken?.(lastWord(connection) ?? 'connection closed'));

  async function send(transaction: TransportTransaction): Promise<TransportResult> {
    const objection = objectionTo(transaction, extensions);
    if (objection !== undefined) return answerAll(transaction, objection);
    isBusy = true;
    resetReceived();
    if (needsReset && !(await reset())) {
      connection.close();
      return { kind: 'broken', verdict: deferred('4.4.2', 'RSET failed'), wasSent: false };
    }
    count++;
    const { result, isInSync } = await transfer(shareOf(transaction, extensions));
    if (!isInSync) connection.close();
    // RFC 5321 section 4.1.1.4: only a transaction that reached its end leaves nothing behind
    needsReset = result.kind !== 'answered' || ![...result.verdicts.values()].every(isDelivered);
    isBusy = false;
    return result;
  }

  async function transfer(transaction: TransportTransaction): Promise<{ result: TransportResult; isInSync: boolean }> {
    const { promise, resolve } = Promise.withResolvers<TransportResult>();
    const envelope = smtpEnvelope(transaction, extensions);
    const content = contentStream(transaction.content);
    // nodemailer listens only from where it begins to send
    content.on('error', () => {});
    let wasSent = false;
    let isThrough = false;
    content.once('end', () => (isThrough = true));
    let isBroken = false;
    const breakOff = (text: string) => resolve({ kind: 'broken', verdict: deferred('4.4.2', text), wasSent });
    onBroken = (text) => {
      isBroken = true;
      const refused = wasSent ? undefined : refusedForGood(transaction, envelope);
      if (refused === undefined) breakOff(text);
      else resolve(refused);
    };
    let deadline: NodeJS.Timeout | undefined;
    const awaitAnswer = (before: number): void => {
      deadline = setTimeout(() => {
        const count = countAnswers(envelope);
        if (count > before) awaitAnswer(count);
        // one that hangs may do so each time: the refusals before it are no progress
        else breakOff('timed out');
      }, settings.commandSeconds * 1000);
    };
    awaitAnswer(0);
    // nodemailer begins to read once the upstream has taken the envelope and said 354
    content.once('resume', () => {
      // closed at once: what the stream has read already would go out, and be mail or commands to the upstream
      if (!hasGoAhead(connection)) {
        onBroken?.('no 354 to DATA');
        connection.close();
        return;
      }
      if (transaction.isAllOrNothing === true && (envelope.rejectedErrors ?? []).length > 0) {
        resolve(answerAll(transaction, firstRefusal(envelope)));
        connection.close();
        return;
      }
      wasSent = true;
      clearTimeout(deadline);
      const seconds = settings.finalDotSeconds + transaction.size / SLOWEST_BYTES_PER_SECOND;
      deadline = setTimeout(() => breakOff('timed out after the content'), seconds * 1000);
    });
    connection.send(envelope, content, (error, info) => {
      // a yes to content that was cut off by it is none
      if ((error === null || error === undefined) && !isThrough) onBroken?.('answered before the content was through');
      else if (error === null || error === undefined) resolve(answered(envelope, info));
      else if (error.code === 'ESTREAM') resolve({ kind: 'unreadable' });
      else if (isAnswer(error)) resolve(answered(envelope, error));
      else onBroken?.(error.response ?? error.message);
    });
    const result = await promise;
    clearTimeout(deadline);
    onBroken = undefined;
    content.destroy();
    // what is left of a broken transaction may still be on its way; after content that was cut off, a command would be mail
    const isCutOff = wasSent && !isThrough;
    return { result, isInSync: result.kind === 'answered' && !isBroken && !isCutOff };
  }

  function reset(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), settings.commandSeconds * 1000);
      onBroken = () => resolve(false);
      connection.reset((error) => {
        clearTimeout(timer);
        resolve(error === null);
      });
    });
  }

  return { send, count: () => count, isBusy: () => isBusy };
}

/** What no upstream with these extensions can take, found out before it is asked. */
function objectionTo({ envelope, size }: TransportTransaction, extensions: Extensions): Verdict | undefined {
  // RFC 6152 section 3: converting would break signatures, so it goes back
  if (envelope.eightBit && !extensions.eightBitMime) {
    return failed('5.6.3', 'upstream does not take 8-bit content (8BITMIME), and the message has some');
  }
  if (extensions.maxBytes !== undefined && size > extensions.maxBytes) {
    return failed('5.3.4', `message of ${size} bytes is larger than the upstream takes (${extensions.maxBytes})`);
  }
  return undefined;
}

/** What goes out at once: all of it where one answer is to stand for all. */
function shareOf(transaction: TransportTransaction, { dsn }: Extensions): TransportTransaction {
  if (transaction.isAllOrNothing === true) return transaction;
  return { ...transaction, recipients: nextGroup(transaction.recipients, { dsn }) };
}

type TrackedEnvelope = SMTPEnvelope & {
  readonly to: string[];
  readonly mailError?: SMTPError;
  readonly accepted?: string[];
  readonly rejectedErrors?: SMTPError[];
};

function smtpEnvelope({ envelope, recipients, size }: TransportTransaction, extensions: Extensions): TrackedEnvelope {
  const { notify, originalRecipient } = commonDsn(recipients);
  const dsn = extensions.dsn
    ? {
        ret: envelope.ret,
        envid: fromXtext(envelope.envelopeId),
        notify: notify === undefined ? undefined : [...notify],
        orcpt: fromXtext(originalRecipient),
      }
    : undefined;
  return {
    from: envelope.from,
    to: [...new Set(recipients.map(({ address }) => address))],
    size,
    use8BitMime: envelope.eightBit,
    dsn,
  };
}

function contentStream(content: Content): Readable {
  return content.kind === 'file' ? createReadStream(content.path) : Readable.from(content.bytes, { objectMode: false });
}

/** Why an upstream closed: with pipelining the replies after a 421 never come, and no command is left to give it to. */
function lastWord({ lastServerResponse }: SMTPConnection): string | undefined {
  return lastServerResponse !== false && lastServerResponse.startsWith('421') ? lastServerResponse : undefined;
}

/** nodemailer takes 250 for one as well; such an upstream runs the content as commands, and answers each line of it. */
function hasGoAhead({ lastServerResponse }: SMTPConnection): boolean {
  return lastServerResponse !== false && lastServerResponse.startsWith('3');
}

/**
 * A reply about this message. 421 to a command is one about the connection (RFC 5321 section 3.8); after the content it
 * is more often one about that, and an upstream that is going down says so to the next connection as well.
 */
function isAnswer(error: SMTPError): boolean {
  if (error.response === undefined) return false;
  return error.code === 'EMESSAGE' || (error.code === 'EENVELOPE' && error.responseCode !== 421);
}

/** To RCPT: each has its own time (RFC 5321 section 4.5.3.2), and an upstream may look up each recipient elsewhere. */
function countAnswers({ accepted = [], rejectedErrors = [] }: TrackedEnvelope): number {
  return accepted.length + rejectedErrors.length;
}

function isDelivered(verdict: Verdict): boolean {
  return verdict.outcome === 'delivered';
}

function answered(envelope: TrackedEnvelope, end: SMTPError | SMTPConnectionSendInfo): TransportResult {
  // behind a refused MAIL, pipelined RCPTs are refused only for their order
  const isAtMail = 'command' in end && end.command === 'MAIL FROM';
  const refused = isAtMail ? [] : (envelope.rejectedErrors ?? []);
  const refusals = new Map(refused.map((error) => [error.recipient, readReply(error.response ?? '')]));
  const verdict = readReply(end.response ?? '');
  return {
    kind: 'answered',
    verdicts: new Map(envelope.to.map((address) => [address, refusals.get(address) ?? verdict])),
    dsnPassedOn: envelope.dsn !== undefined,
  };
}

/**
 * What was refused for good before the connection broke stays so: Postfix ends each session after 20 refusals
 * (smtpd_hard_error_limit), and would otherwise never get to hear of the recipients behind them.
 */
function refusedForGood(transaction: TransportTransaction, envelope: TrackedEnvelope): TransportResult | undefined {
  if (envelope.mailError !== undefined) {
    const verdict = readReply(envelope.mailError.response ?? '');
    return verdict.outcome === 'failed' ? answerAll(transaction, verdict) : undefined;
  }
  const verdicts = new Map(
    (envelope.rejectedErrors ?? [])
      .map(({ recipient = '', response = '' }) => [recipient, readReply(response)] as const)
      .filter(([, { outcome }]) => outcome === 'failed'),
  );
  if (verdicts.size === 0) return undefined;
  if (transaction.isAllOrNothing === true) return answerAll(transaction, firstRefusal(envelope));
  return { kind: 'answered', verdicts, dsnPassedOn: false };
}

/** It speaks for all: none of them got the message. */
function firstRefusal({ rejectedErrors: [first] = [] }: TrackedEnvelope): Verdict {
  const verdict = readReply(first?.response ?? '');
  return { ...verdict, text: printable(`${first?.recipient}: ${verdict.text}`) };
}

function answerAll({ recipients }: TransportTransaction, verdict: Verdict): TransportResult {
  return {
    kind: 'answered',
    verdicts: new Map(recipients.map(({ address }) => [address, verdict])),
    dsnPassedOn: false,
  };
}
