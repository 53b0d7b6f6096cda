/** The keys that mail of a domain is signed with, as the core sees them. Plain data. */
import type { DkimKey } from '../../../relay/config/config.ts';

/** What mail of a domain is signed with. */
export interface DkimKeys {
  /** An object made anew under the same name for another domain inherits nothing. */
  readonly domain: string;
  /** The oldest first. */
  readonly generations: readonly DkimGeneration[];
}

/** Keys that are published, used and retired together. */
export interface DkimGeneration {
  /** ISO 8601. */
  readonly createdTime: string;
  /** When the next ones took over, or signing was switched off; absent: not yet. */
  readonly retiredTime?: string | undefined;
  /** One for each algorithm. */
  readonly keys: readonly DkimKeyPair[];
}

export interface DkimKeyPair extends DkimKey {
  /** As the tag `p=` of its record has it. */
  readonly publicKey: string;
}

/** What is to be kept where keys are, and what that was worked out from. */
export interface KeysWish {
  readonly domain: string;
  /** Selectors that were there: where others are by now, the wish is out of date. */
  readonly basis: readonly string[];
  readonly kept: readonly DkimGeneration[];
  /** Selectors of those among them that are retired from now on. */
  readonly retiring: readonly string[];
  readonly isNewWanted: boolean;
}
