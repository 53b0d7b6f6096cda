/**
 * Applies the recipient guard of a list again when a message leaves: mail that was queued before the guard was switched
 * on, or tightened, is judged by it all the same.
 */
import type { RecipientGuard } from '../config/config.ts';
import type { Log } from '../observe/log.ts';
import type { Content } from '../message.ts';
import type { Metrics } from '../observe/metrics.ts';
import { applyGuard, tellGuarded } from '../recipient-guard.ts';
import { replies } from '../replies.ts';
import type { QueuedMessage, Verdict } from '../spool/record.ts';
import type { Spool } from '../spool/spool.ts';
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
  const guarded = applyGuard(guard, queued.pending);
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
    const verdicts = new Map(refused.map(({ address }) => [address, refusalOf(address, list)]));
    return refuse(left, verdicts, { content, isPartial: deliver.length > 0 });
  }
  if (deliver.length > 0) return left;
  await spool.settle(id, { reports: [] });
  return undefined;
}

/** The words that the client would have heard. */
function refusalOf(address: string, list: string): Verdict {
  const { enhanced, lines } = replies.recipientNotAllowed(address, list);
  return failed(enhanced, lines.join(' '));
}
