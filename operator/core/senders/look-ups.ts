/** Look-ups that a plan asks for, and what else there is to do about signing. Plain data. */
import type { KeysWish } from './dkim-model.ts';

/** A DNS record to look up, at `due` or later. */
export interface Lookup {
  /** `NAMESPACE/NAME` of the VerifiedSender. */
  readonly sender: string;
  readonly recordName: string;
  readonly recordValue: string;
  /** ISO 8601. */
  readonly due: string;
  /** The annotation that asks for a look-up at once, as it is. */
  readonly touched?: string;
}

/** The record of a signing key to look up. */
export interface KeyLookup extends Lookup {
  readonly selector: string;
}

/** What there is to do so that mail of a sender is signed. */
export interface SigningPlan {
  /** `NAMESPACE/NAME` of the VerifiedSender. */
  readonly sender: string;
  readonly lookups: readonly KeyLookup[];
  readonly wish?: KeysWish;
}
