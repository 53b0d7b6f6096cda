/**
 * Senders that are gone. A GitOps tool may delete an object and make it anew: what is known about it stays for an hour
 * before it is forgotten.
 */
import type { EvidenceStore } from './evidence-store.ts';

export interface PastSendersOptions {
  /** Undefined: what is known has not been read yet. */
  readonly store: () => Pick<EvidenceStore<unknown>, 'all' | 'forget'> | undefined;
  readonly isThere: (sender: string) => boolean;
  readonly onError: (error: unknown) => void;
  readonly now: () => Date;
}

const KEPT_MS = 3_600_000;
const TIDY_MS = 60_000;
/** For one namespace: somebody who makes and deletes senders without end must not fill what there is for all. */
const KEPT_MAX = 1000;

/** Forgets senders that have been gone for long enough, now and then, until it is closed. */
export function forgetPastSenders({ store, isThere, onError, now }: PastSendersOptions): {
  readonly close: () => void;
} {
  const goneSince = new Map<string, number>();

  function expired(known: Iterable<readonly [string, unknown]>): readonly string[] {
    const time = now().getTime();
    const gone = new Set(Array.from(known, ([sender]) => sender).filter((sender) => !isThere(sender)));
    for (const sender of goneSince.keys()) if (!gone.has(sender)) goneSince.delete(sender);
    for (const sender of gone) if (!goneSince.has(sender)) goneSince.set(sender, time);
    const past = [
      ...[...goneSince].filter(([, since]) => time - since >= KEPT_MS).map(([sender]) => sender),
      ...beyondMost([...goneSince.keys()]),
    ];
    for (const sender of past) goneSince.delete(sender);
    return past;
  }

  const timer = setInterval(() => {
    const kept = store();
    kept?.forget(expired(kept.all())).catch(onError);
  }, TIDY_MS);
  return { close: () => clearInterval(timer) };
}

/** Those that have been gone for longest, of namespaces with too many. */
function beyondMost(inOrder: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  return inOrder.toReversed().filter((sender) => {
    const namespace = sender.slice(0, sender.indexOf('/'));
    const count = (counts.get(namespace) ?? 0) + 1;
    counts.set(namespace, count);
    return count > KEPT_MAX;
  });
}
