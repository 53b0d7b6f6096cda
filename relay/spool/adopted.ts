/**
 * What other relays have handed over to this spool, remembered until they have said that they no longer ask: in one commit
 * with the message itself, and for longer than that, so that a message that is offered again is not taken twice, even where
 * it has been delivered meanwhile.
 */
import type { SpoolStore } from './store.ts';

/** A volume that no relay has used for longer may send a message twice. */
const KEPT_MS = 60 * 24 * 3600 * 1000;

export function adoptionKey(transfer: string, id: string): string {
  return `${transfer}/${id}`;
}

/** Ids of the messages that were taken in a transfer. */
export function adoptedIn(store: SpoolStore, transfer: string): readonly string[] {
  const prefix = adoptionKey(transfer, '');
  return [...store.remembered(prefix)].map(({ key }) => key.slice(prefix.length));
}

export async function forgetOldAdoptions(store: SpoolStore, now: number): Promise<void> {
  const old = [...store.remembered('')].filter(({ since }) => now - since > KEPT_MS);
  if (old.length > 0) await store.forget(old.map(({ key }) => key));
}
