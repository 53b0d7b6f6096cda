/**
 * Counts what became of the recipients of a message, for its user and its list. Called once that is on disk, so that a
 * crash counts nothing twice.
 */
import type { RelayConfig } from '../config/config.ts';
import type { AcceptedMessage } from '../message.ts';
import type { Verdict } from '../spool/record.ts';
import type { UsageCounter } from '../usage/counter.ts';

export function countOutcome(
  usage: UsageCounter,
  config: RelayConfig | undefined,
  { list, user, namespace, reportOn }: Pick<AcceptedMessage, 'list' | 'user' | 'namespace' | 'reportOn'>,
  judged: readonly { readonly last?: Verdict | undefined }[],
): void {
  // a report of ours is no mail of the user
  if (reportOn !== undefined) return;
  const found = config?.users.get(user);
  // a name may have gone to somebody else since
  const sender = found?.namespace === namespace ? found : undefined;
  const owner = {
    list: config?.lists.has(list) === true ? list : undefined,
    user: sender?.object,
  };
  const of = (outcome: Verdict['outcome']): number => judged.filter(({ last }) => last?.outcome === outcome).length;
  const counts = { delivered: of('delivered'), deferred: of('deferred'), bounced: of('failed') };
  usage.count(owner, Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)));
  const seen = { judged: counts.delivered + counts.bounced, bounced: counts.bounced };
  if (sender?.pauseAbove !== undefined && seen.judged > 0) usage.see(sender.object, sender.pauseAbove, seen);
}
