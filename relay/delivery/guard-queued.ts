/**
 * Applies the recipient guard of a list again when a message leaves: mail that was queued before the guard was switched
 * on, or tightened, is judged by it all the same.
 */
import { hiddenRecipients } from '../checks/hidden-recipients.ts';
import type { RecipientGuard } from '../config/config.ts';
import type { Log } from '../observe/log.ts';
import type { Content } from '../message.ts';
import type { Metrics } from '../observe/metrics.ts';
import { applyGuard, type Guarded, tellGuarded } from '../recipient-guard.ts';
import { replies, type Reply } from '../replies.ts';
import type { PendingRecipient, QueuedMessage, Verdict } from '../spool/record.ts';
import type { Spool } from '../spool/spool.ts';
import { readStoredHeader } from './stored-header.ts';
import { failed } from './upstream-reply.ts';

export interface GuardOptions {
  readonly spool: Spool;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Writes down who gets nothing, and tells the sender. Resolves with the message as it stays. */
  readonly refuse: (
    queued: QueuedMessage,
    verdicts: ReadonlyMap<string, Verdict>,
    options: { readonly content: Content; readonly isPartial: boolean },
  ) => Promise<QueuedMessage | undefined>;
}

/** Resolves with the message for those whom the guard lets it reach; undefined where there are none. */
export async function guardQueued(
  { queued, content }: { readonly queued: QueuedMessage; readonly content: Content },
  guard: RecipientGuard | undefined,
  { spool, metrics, log, refuse }: GuardOptions,
): Promise<QueuedMessage | undefined> {
  // what tells a sender about its message does not go to a recipient that anybody chose
  if (guard === undefined || queued.reportOn !== undefined) return queued;
  const judged = applyGuard(guard, queued.pending);
  const hiding = judged.deliver.length === 0 ? undefined : await hidingField(content);
  const guarded = hiding === undefined ? judged : refusedWhole(queued.pending);
  const { deliver, captured, refused, redirected } = guarded;
  if (captured.length + refused.length + redirected.length === 0) return queued;
  const { id, list, user, envelope } = queued;
  if (captured.length > 0) {
    const recipients = captured.map(({ address }) => address);
    await spool.capture({ ...queued, from: envelope.from, recipients }, content);
  }
  tellGuarded(guarded, { id, list, user }, { metrics, log });
  const left = { ...queued, pending: [...deliver, ...refused] };
  if (refused.length > 0) {
    const replyFor = (address: string): Reply =>
      hiding === undefined ? replies.recipientNotAllowed(address, list) : replies.recipientsHidden(hiding, list);
    const verdicts = new Map(refused.map(({ address }) => [address, refusalOf(replyFor(address))]));
    return refuse(left, verdicts, { content, isPartial: deliver.length > 0 });
  }
  if (deliver.length > 0) return left;
  await spool.settle(id, { reports: [] });
  return undefined;
}

/** A field of the message by which the smart host may send it to others; of one that cannot be read nobody knows. */
async function hidingField(content: Content): Promise<string | undefined> {
  const header = await readStoredHeader(content);
  return header === undefined ? 'The header section' : hiddenRecipients(header.fields);
}

function refusedWhole(pending: QueuedMessage['pending']): Guarded<PendingRecipient> {
  return { deliver: [], refused: pending, captured: [], redirected: [] };
}

/** The words that the client would have heard. */
function refusalOf({ enhanced, lines }: Reply): Verdict {
  return failed(enhanced, lines.join(' '));
}
