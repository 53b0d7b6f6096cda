/** Sends one message over a connection that is ready for MAIL: transaction in, a verdict for each recipient out. */
import { isInternational } from '../address.ts';
import type { DeliverySettings } from '../config/config.ts';
import type { Capabilities } from '../smtp/client/capabilities.ts';
import type { SmtpClient } from '../smtp/client/client.ts';
import type { Mail } from '../smtp/client/transaction.ts';
import type { Verdict } from '../spool/record.ts';
import { piecesOf } from './content.ts';
import type { TransportTransaction } from './transport.ts';
import { type Answers, answersTo, forAll } from './upstream-answers.ts';
import { failed } from './upstream-reply.ts';

/** Slower than this an upstream does not take a message in earnest: 10 MB may take about ten minutes. */
const SLOWEST_BYTES_PER_SECOND = 16 * 1024;

/** To `recipientsMax` at once, where one answer need not stand for all. */
export async function sendOver(
  client: SmtpClient,
  whole: TransportTransaction,
  { recipientsMax, settings }: { readonly recipientsMax: number; readonly settings: DeliverySettings },
): Promise<Answers> {
  const transaction = { ...whole, recipients: togetherIn(whole, recipientsMax) };
  const objection = objectionTo(transaction, client.capabilities);
  if (objection !== undefined) return forAll(transaction, objection);
  const transcript = await client.send(mailOf(transaction), {
    command: settings.commandSeconds,
    content: settings.finalDotSeconds + transaction.size / SLOWEST_BYTES_PER_SECOND,
  });
  return answersTo(transaction, transcript, client.capabilities.dsn);
}

/** What no upstream with these extensions can take, found out before it is asked. */
function objectionTo(transaction: TransportTransaction, capabilities: Capabilities): Verdict | undefined {
  const { envelope, size } = transaction;
  const { eightBitMime, smtpUtf8, maxBytes } = capabilities;
  const international = whatIsInternational(transaction);
  // RFC 6531 section 3.2: nor can we know of another address, or another text, for the same
  if (international !== undefined && !smtpUtf8) {
    return failed('5.6.7', `upstream does not take UTF-8 outside the body (SMTPUTF8), and it is in ${international}`);
  }
  // RFC 6152 section 3: converting would break signatures, so it goes back
  if (envelope.eightBit && !eightBitMime) {
    return failed('5.6.3', 'upstream does not take 8-bit content (8BITMIME), and the message has some');
  }
  if (maxBytes !== undefined && size > maxBytes) {
    return failed('5.3.4', `message of ${size} bytes is larger than the upstream takes (${maxBytes})`);
  }
  return undefined;
}

/** What a transaction needs SMTPUTF8 for, in words that go on from "it is in". */
function whatIsInternational({ envelope, recipients }: Pick<TransportTransaction, 'envelope' | 'recipients'>) {
  if (isInternational(envelope.from)) return "the sender's address: use one in ASCII";
  if (envelope.hasUtf8Header === true) return 'the header: encode that (RFC 2047)';
  if (recipients.some(({ address }) => isInternational(address))) return "the recipient's address: use one in ASCII";
  return undefined;
}

/**
 * The recipients of one transaction, each once: verdicts are by address. Those whom the message reaches without SMTPUTF8 go
 * by themselves: that a server on the way does not know it must not keep the message from them.
 */
function togetherIn(
  { envelope, recipients, isAllOrNothing = false }: TransportTransaction,
  recipientsMax: number,
): TransportTransaction['recipients'] {
  const each = [...new Map(recipients.map((one) => [one.address, one])).values()];
  if (isAllOrNothing) return each;
  const plain = each.filter((one) => whatIsInternational({ envelope, recipients: [one] }) === undefined);
  return (plain.length > 0 ? plain : each).slice(0, recipientsMax);
}

function mailOf(transaction: TransportTransaction): Mail {
  const { envelope, recipients, size, content, isAllOrNothing = false } = transaction;
  const smtpUtf8 = whatIsInternational(transaction) !== undefined;
  return { ...envelope, recipients, smtpUtf8, size, isAllOrNothing, content: piecesOf(content) };
}
