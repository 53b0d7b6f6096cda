/** Which spools no relay reads: volumes whose pod is gone, and does not come back. */
import type { Fleet } from '../relays/fleets.ts';

/** A claim to a volume with the spool of a relay. */
export interface SpoolClaim {
  readonly className: string;
  readonly name: string;
  readonly uid: string;
  /** In the spool when its relay ended; undefined: it did not say, or has run since. */
  readonly messages: number | undefined;
  /** Somebody has asked for a drain. */
  readonly isDrainWanted: boolean;
}

export interface StrandedSpool {
  readonly claim: SpoolClaim;
  /** Name of the relay whose spool it was; undefined where the class has no relays with volumes any more. */
  readonly relay: string | undefined;
}

/** @param pods names of the pods that may have a volume: relays, whatever state they are in */
export function strandedSpools(
  claims: readonly SpoolClaim[],
  fleet: Fleet | undefined,
  pods: ReadonlySet<string>,
): readonly StrandedSpool[] {
  return claims.flatMap((claim): StrandedSpool[] => {
    if (claim.messages === 0) return [];
    if (fleet === undefined) {
      // a StatefulSet that is about to be made anew may have left its pods
      return [...pods].some((pod) => claim.name.endsWith(`-${pod}`)) ? [] : [{ claim, relay: undefined }];
    }
    const relay = relayOf(claim, fleet);
    const isGone = relay !== undefined && relay.number >= fleet.relays && !pods.has(relay.name);
    return isGone ? [{ claim, relay: relay.name }] : [];
  });
}

/** The relay that a volume belongs to; undefined: it is none of this fleet. */
export function relayOf(
  { name }: Pick<SpoolClaim, 'name'>,
  fleet: Pick<Fleet, 'name' | 'volume'>,
): { readonly name: string; readonly number: number } | undefined {
  const prefix = `${fleet.volume}-${fleet.name}-`;
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  if (!/^\d{1,9}$/.test(digits)) return undefined;
  return { name: `${fleet.name}-${digits}`, number: Number(digits) };
}

/** Longer than it takes until another operator leads: a relay was hardly made, filled and taken away meanwhile. */
const UNWATCHED_MOST_MS = 30_000;

/**
 * Whose note that nothing was left is no longer to be believed, where nobody has watched since then: the relay may have run
 * again, have taken mail and have been killed. Where the class has no relays with volumes, no pod could be sent to look.
 */
export function doubtful(
  claims: readonly SpoolClaim[],
  { fleet, unwatchedMs }: { readonly fleet: Fleet | undefined; readonly unwatchedMs: number },
): readonly SpoolClaim[] {
  if (fleet === undefined || unwatchedMs <= UNWATCHED_MOST_MS) return [];
  return claims.filter((claim) => claim.messages === 0 && relayOf(claim, fleet) !== undefined);
}
