/**
 * Which recipients go out in one transaction. nodemailer knows one DSN set (RFC 3461) for a transaction, so recipients
 * that differ in theirs need several, and the content goes out with each: how many is not left to the client.
 */
import type { Recipient } from '../message.ts';
import { fromXtext } from '../xtext.ts';

/** What RFC 5321 section 4.5.3.1.8 asks every server to take in one transaction. */
export const RECIPIENTS_MAX = 100;

/** A forwarder names one or a few; beyond these ORCPT is left out, and only our own reports still have it. */
const ORIGINAL_RECIPIENTS_MAX = 10;

/**
 * The recipients of the next transaction, with what is said of them; all of one DSN set where the upstream has DSN.
 * Never empty, unless there are no recipients. What is beyond the bound goes first, so that the bound holds for all
 * transactions of a message when each takes its recipients out of those left by the one before.
 */
export function nextGroup(
  recipients: readonly Recipient[],
  { dsn, recipientsMax = RECIPIENTS_MAX }: { dsn: boolean; recipientsMax?: number },
): readonly Recipient[] {
  if (!dsn) return recipients.slice(0, recipientsMax).map(({ address }) => ({ address }));
  const sets = [...Map.groupBy(recipients.map(withoutOwnAddress), setOf).values()];
  const kept = sets.filter(([first]) => first?.originalRecipient !== undefined).slice(0, ORIGINAL_RECIPIENTS_MAX);
  const others = sets.filter((set) => !kept.includes(set)).flatMap((set) => set.map(withoutOriginal));
  const [group = kept[0] ?? []] = Map.groupBy(others, setOf).values();
  return group.slice(0, recipientsMax);
}

/** What holds for each of them, and may be said for all in one transaction. */
export function commonDsn(recipients: readonly Recipient[]): Pick<Recipient, 'notify' | 'originalRecipient'> {
  const [first, ...others] = recipients.map(withoutOwnAddress);
  const { notify, originalRecipient } = first ?? {};
  const isNotifyCommon = others.every((other) => notifyOf(other) === notifyOf(first ?? other));
  const isOriginalCommon = others.every((other) => other.originalRecipient === originalRecipient);
  return {
    ...(notify === undefined || !isNotifyCommon ? {} : { notify }),
    ...(originalRecipient === undefined || !isOriginalCommon ? {} : { originalRecipient }),
  };
}

function setOf(recipient: Recipient): string {
  return JSON.stringify([notifyOf(recipient), recipient.originalRecipient]);
}

function notifyOf({ notify }: Recipient): string | undefined {
  return notify?.toSorted().join();
}

/** Postfix gives every recipient an ORCPT: its own address, which says nothing that RCPT does not. */
function withoutOwnAddress(recipient: Recipient): Recipient {
  const original = fromXtext(recipient.originalRecipient)?.toLowerCase();
  return original === `rfc822;${recipient.address.toLowerCase()}` ? withoutOriginal(recipient) : recipient;
}

function withoutOriginal({ address, notify }: Recipient): Recipient {
  return notify === undefined ? { address } : { address, notify };
}
