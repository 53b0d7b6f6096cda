/** One message over a connection that is ready for MAIL: transaction in, a verdict for each recipient out. */
import type { DeliverySettings } from '../config.ts';
import type { Capabilities } from '../smtp/capabilities.ts';
import type { SmtpClient } from '../smtp/client.ts';
import type { Mail } from '../smtp/transaction.ts';
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
  const objection = objectionTo(whole, client.capabilities);
  if (objection !== undefined) return forAll(whole, objection);
  const transaction = { ...whole, recipients: togetherIn(whole, recipientsMax) };
  const transcript = await client.send(mailOf(transaction), {
    command: settings.commandSeconds,
    content: settings.finalDotSeconds + transaction.size / SLOWEST_BYTES_PER_SECOND,
  });
  return answersTo(transaction, transcript, client.capabilities.dsn);
}

/** What no upstream with these extensions can take, found out before it is asked. */
function objectionTo(
  { envelope, size }: TransportTransaction,
  { eightBitMime, maxBytes }: Capabilities,
): Verdict | undefined {
  // RFC 6152 section 3: converting would break signatures, so it goes back
  if (envelope.eightBit && !eightBitMime) {
    return failed('5.6.3', 'upstream does not take 8-bit content (8BITMIME), and the message has some');
  }
  if (maxBytes !== undefined && size > maxBytes) {
    return failed('5.3.4', `message of ${size} bytes is larger than the upstream takes (${maxBytes})`);
  }
  return undefined;
}

/** The recipients of one transaction, each once: verdicts are by address. */
function togetherIn(
  { recipients, isAllOrNothing = false }: TransportTransaction,
  recipientsMax: number,
): TransportTransaction['recipients'] {
  const each = [...new Map(recipients.map((one) => [one.address, one])).values()];
  return isAllOrNothing ? each : each.slice(0, recipientsMax);
}

function mailOf({ envelope, recipients, size, content, isAllOrNothing = false }: TransportTransaction): Mail {
  return { ...envelope, recipients, size, isAllOrNothing, content: piecesOf(content) };
}
