/**
 * The recipient guard of a list: whom its mail may reach. Asked at RCPT, so that the client hears of it, and again when
 * a message leaves, so that the guard then in force counts. An address that it cannot read does not get through.
 */
import { coversRecipient, formatMailbox, isInternational, parseMailbox } from './address.ts';
import type { RecipientGuard } from './config/config.ts';
import type { Log } from './observe/log.ts';
import type { Recipient } from './message.ts';
import type { Metrics } from './observe/metrics.ts';
import { namedRecipients } from './observe/named-recipients.ts';
import { toUtf8Xtext, toXtext } from './smtp/xtext.ts';

/** What becomes of a recipient; the labels of metrics, too. */
export type RecipientVerdict = 'allowed' | 'refused' | 'captured' | 'redirected';

const VERDICT = { Refuse: 'refused', Capture: 'captured', Redirect: 'redirected' } as const;

export function judgeRecipient(guard: RecipientGuard | undefined, address: string): RecipientVerdict {
  return guard === undefined || isAllowed(guard, address) ? 'allowed' : VERDICT[guard.otherwise];
}

/** Recipients by what becomes of them. */
export interface Guarded<One extends Recipient> {
  /** Whom the message goes to, among them the one whom others were redirected to. */
  readonly deliver: readonly (One | Recipient)[];
  readonly refused: readonly One[];
  readonly captured: readonly One[];
  /** Those who are part of another one in `deliver` now. */
  readonly redirected: readonly One[];
}

export function applyGuard<One extends Recipient>(
  guard: RecipientGuard | undefined,
  recipients: readonly One[],
): Guarded<One> {
  if (guard === undefined) return { deliver: recipients, refused: [], captured: [], redirected: [] };
  const by = Map.groupBy(recipients, ({ address }) => judgeRecipient(guard, address));
  const { allowed = [], refused = [], captured = [], redirected = [] } = Object.fromEntries(by);
  const deliver = guard.otherwise === 'Redirect' ? merge(allowed, redirected, guard.redirectTo) : allowed;
  return { deliver, refused, captured, redirected };
}

/** Nothing of which a client or a sender would not hear, but people look for mail in logs and metrics first. */
export function tellGuarded(
  { refused, captured, redirected }: Guarded<Recipient>,
  message: { readonly id: string; readonly list: string; readonly user: string },
  { metrics, log }: { readonly metrics: Metrics; readonly log: Log },
): void {
  const counts = { refused: refused.length, captured: captured.length, redirected: redirected.length };
  const known = Object.entries(counts).filter(([, count]) => count > 0);
  for (const [outcome, count] of known) metrics.guardedRecipients.inc({ list: message.list, outcome }, count);
  if (known.length === 0) return;
  const { to } = namedRecipients([...refused, ...captured, ...redirected]);
  log.info({ ...message, ...Object.fromEntries(known), to }, 'kept from recipients');
}

function isAllowed({ allow }: RecipientGuard, address: string): boolean {
  const mailbox = parseMailbox(address);
  return mailbox !== undefined && allow.some((rule) => coversRecipient(rule, mailbox));
}

/** One recipient in place of all that are redirected, and of itself where it was one of the recipients anyway. */
function merge<One extends Recipient>(
  allowed: readonly One[],
  redirected: readonly One[],
  to: string,
): readonly (One | Recipient)[] {
  if (redirected.length === 0) return allowed;
  const isTarget = ({ address }: Recipient) => canonical(address) === canonical(to);
  return [...allowed.filter((one) => !isTarget(one)), redirect([...allowed.filter(isTarget), ...redirected], to)];
}

function canonical(address: string): string {
  const mailbox = parseMailbox(address);
  return mailbox === undefined ? address : formatMailbox(mailbox);
}

function redirect(recipients: readonly Recipient[], to: string): Recipient {
  const others = recipients.filter(
    (one) => one.redirectedFrom !== undefined || canonical(one.address) !== canonical(to),
  );
  const redirectedFrom = [...new Set(others.flatMap((one) => one.redirectedFrom ?? [one.address]))];
  const notify = commonNotify(recipients);
  // one copy has one ORCPT (RFC 3461 section 4.2), which must not name one of several
  const originalRecipient = recipients.length === 1 ? originalOf(others[0], redirectedFrom) : undefined;
  return {
    address: to,
    ...(notify !== undefined && { notify }),
    ...(originalRecipient !== undefined && { originalRecipient }),
    redirectedFrom,
  };
}

/** RFC 3461 section 4.2. */
const ORCPT_MAX = 500;

function originalOf(recipient: Recipient | undefined, [original, ...others]: readonly string[]): string | undefined {
  if (recipient?.originalRecipient !== undefined) return recipient.originalRecipient;
  if (original === undefined || others.length > 0) return undefined;
  const orcpt = isInternational(original) ? `utf-8;${toUtf8Xtext(original)}` : `rfc822;${toXtext(original)}`;
  return orcpt.length > ORCPT_MAX ? undefined : orcpt;
}

/** What is to be told about one of them is told about the copy that stands for all. */
function commonNotify(recipients: readonly Recipient[]): readonly string[] | undefined {
  if (recipients.every(({ notify }) => notify === undefined)) return undefined;
  const wanted = new Set(recipients.flatMap(({ notify = ['FAILURE', 'DELAY'] }) => notify));
  if (wanted.size > 1) wanted.delete('NEVER');
  return [...wanted];
}
