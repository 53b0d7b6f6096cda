/** The last event about senders that were verified and are gone, or that other namespaces can no longer use. */
import { isEqual } from '../equal.ts';
import { event } from '../events.ts';
import type { PlannedEvent } from '../model.ts';
import { named } from '../named.ts';
import type { Guest } from '../selector.ts';
import { isSharedWith } from './sender-rules.ts';
import type { SenderVerdict } from './sender-verdict.ts';

/** Names of namespaces are as long as an Event has room for. */
const NAMED_MAX = 10;

type Verdicts = ReadonlyMap<string, SenderVerdict>;

/** @param guests asked for only where sharing has changed */
export function senderFarewells(before: Verdicts, after: Verdicts, guests: () => readonly Guest[]): PlannedEvent[] {
  return [...before].flatMap(([key, verdict]) => {
    if (verdict.judgement.status !== 'True' || verdict.covers === undefined) return [];
    const next = after.get(key);
    const said = next === undefined ? deleted(verdict) : sharingEnded(verdict, next, guests);
    return said === undefined ? [] : event({ kind: 'VerifiedSender', meta: verdict.meta }, 'Warning', said);
  });
}

interface Said {
  readonly reason: string;
  readonly message: string;
}

function deleted({ covers }: SenderVerdict): Said {
  const message = `Deleted while it was verified. Mail from ${covers?.sender} is refused, unless another VerifiedSender covers it.`;
  return { reason: 'SenderDeleted', message };
}

/** About senders of others that a namespace can no longer use, since its labels have changed. */
export function labelFarewells(
  senders: Iterable<SenderVerdict>,
  before: Guest | undefined,
  after: Guest,
): PlannedEvent[] {
  if (before === undefined || isEqual(before.labels, after.labels)) return [];
  return [...senders].flatMap((verdict) => {
    const isLost = isSharedWith(verdict, before) && !isSharedWith(verdict, after);
    if (!isLost || verdict.judgement.status !== 'True') return [];
    const why = 'its labels have changed, and spec.allowedNamespaces does not select it any more';
    const message = `Namespace ${after.name} can no longer send as ${verdict.covers?.sender}: ${why}.`;
    return event({ kind: 'VerifiedSender', meta: verdict.meta }, 'Warning', { reason: 'SharingEnded', message });
  });
}

/** One that is revoked is revoked for all, which it says itself. */
function sharingEnded(before: SenderVerdict, after: SenderVerdict, guests: () => readonly Guest[]): Said | undefined {
  const isVerified = after.judgement.status === 'True';
  if (!isVerified || before.covers?.allowed.from === 'Same' || isEqual(before.covers, after.covers)) return undefined;
  const lost = guests().filter((guest) => isSharedWith(before, guest) && !isSharedWith(after, guest));
  if (lost.length === 0) return undefined;
  const names = lost.map(({ name }) => name).sort();
  const whose = `${names.length} ${names.length === 1 ? 'namespace' : 'namespaces'} (${named(names, NAMED_MAX)})`;
  const message = `${whose} can no longer send as ${before.covers?.sender}: spec.allowedNamespaces does not name them any more.`;
  return { reason: 'SharingEnded', message };
}
