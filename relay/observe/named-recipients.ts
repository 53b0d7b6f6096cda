import type { Recipient } from '../message.ts';

/** More of one message help nobody who reads a line, and a message may have 10,000. */
const NAMED_MAX = 10;

/** Recipients as a line of the log has them: how many, and who the first of them are. */
export function namedRecipients(recipients: readonly Pick<Recipient, 'address'>[]): {
  readonly recipients: number;
  readonly to: readonly string[];
} {
  return { recipients: recipients.length, to: recipients.slice(0, NAMED_MAX).map(({ address }) => address) };
}
