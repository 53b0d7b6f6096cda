/** The look-ups that a plan asks for, and what else there is to do about signing keys. Plain data. */
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
  /** What was known is lost. */
  readonly isLost?: true;
}

/** One of the records that make mail arrive. */
export interface RecordLookup extends Lookup {
  /** `Key`: of a signing key. `SPF`: whether it allows what the record of the domain `recordValue` allows. */
  readonly purpose: 'Key' | 'SPF' | 'DMARC';
  /** Its place among the evidence: the selector of a key, `spf` or `dmarc`. */
  readonly id: string;
}

/** What there is to do so that mail of a sender is signed, and arrives. */
export interface RecordsPlan {
  /** `NAMESPACE/NAME` of the VerifiedSender. */
  readonly sender: string;
  readonly lookups: readonly RecordLookup[];
  readonly wish?: KeysWish;
}
