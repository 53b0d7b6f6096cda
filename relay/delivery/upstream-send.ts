/** One message over a connection that is ready for MAIL: transaction in, a verdict for each recipient out. */
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { SMTPError } from 'nodemailer/lib/smtp-connection';
import type { DeliverySettings } from '../config.ts';
import { contentStream } from './content.ts';
import { commonDsn, nextGroup } from './dsn-groups.ts';
import type { Verdict } from '../spool/record.ts';
import type { TransportTransaction } from './transport.ts';
import {
  answerAll,
  type Answers,
  answered,
  brokenBefore,
  countAnswers,
  firstRefusal,
  isAnswer,
  lastWord,
  type TrackedEnvelope,
} from './upstream-answers.ts';
import { takeReplies } from './upstream-inner.ts';
import { deferred, failed } from './upstream-reply.ts';
import { fromXtext } from '../xtext.ts';

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

  /** To `recipientsMax` at once, where one answer need not stand for all. */
  async function send(transaction: TransportTransaction, recipientsMax: number): Promise<Answers> {
    const objection = objectionTo(transaction, extensions);
    if (objection !== undefined) return { result: answerAll(transaction, objection) };
    isBusy = true;
    resetReceived();
    if (needsReset && !(await reset())) {
      connection.close();
      return { result: { kind: 'broken', verdict: deferred('4.4.2', 'RSET failed'), wasSent: false } };
    }
    count++;
    const { answers, isInSync } = await transfer(shareOf(transaction, { extensions, recipientsMax }));
    const { result } = answers;
    if (!isInSync) connection.close();
    // RFC 5321 section 4.1.1.4: only a transaction that reached its end leaves nothing behind
    needsReset = result.kind !== 'answered' || ![...result.verdicts.values()].every(isDelivered);
    isBusy = false;
    return answers;
  }

  async function transfer(transaction: TransportTransaction): Promise<{ answers: Answers; isInSync: boolean }> {
    const { promise, resolve } = Promise.withResolvers<Answers>();
    const envelope = smtpEnvelope(transaction, extensions);
    const content = contentStream(transaction.content);
    // nodemailer listens only from where it begins to send
    content.on('error', () => {});
    let wasSent = false;
    let isThrough = false;
    content.once('end', () => (isThrough = true));
    let isBroken = false;
    const breakOff = (text: string) =>
      resolve({ result: { kind: 'broken', verdict: deferred('4.4.2', text), wasSent } });
    onBroken = (text) => {
      isBroken = true;
      if (wasSent) breakOff(text);
      else resolve(brokenBefore(transaction, envelope, deferred('4.4.2', text)));
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
        resolve({ result: answerAll(transaction, firstRefusal(envelope)) });
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
      else if (error === null || error === undefined) resolve(answered(transaction, envelope, info));
      else if (error.code === 'ESTREAM') resolve({ result: { kind: 'unreadable' } });
      else if (isAnswer(error)) resolve(answered(transaction, envelope, error));
      else onBroken?.(error.response ?? error.message);
    });
    const answers = await promise;
    clearTimeout(deadline);
    onBroken = undefined;
    content.destroy();
    // what is left of a broken transaction may still be on its way; after content that was cut off, a command would be mail
    const isCutOff = wasSent && !isThrough;
    return { answers, isInSync: answers.result.kind === 'answered' && !isBroken && !isCutOff };
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
function shareOf(
  transaction: TransportTransaction,
  { extensions: { dsn }, recipientsMax }: { extensions: Extensions; recipientsMax: number },
): TransportTransaction {
  if (transaction.isAllOrNothing === true) return transaction;
  return { ...transaction, recipients: nextGroup(transaction.recipients, { dsn, recipientsMax }) };
}

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

/** nodemailer takes 250 for one as well; such an upstream runs the content as commands, and answers each line of it. */
function hasGoAhead({ lastServerResponse }: SMTPConnection): boolean {
  return lastServerResponse !== false && lastServerResponse.startsWith('3');
}

function isDelivered(verdict: Verdict): boolean {
  return verdict.outcome === 'delivered';
}
