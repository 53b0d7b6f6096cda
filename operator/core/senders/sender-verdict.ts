/** What a VerifiedSender comes to. */
import type { AllowedNamespaces } from '../../api/common.ts';
import type { Judgement } from '../conditions.ts';
import type { MailWish } from '../mail-evidence.ts';
import type { ObjectMeta, Vouching } from '../model.ts';
import type { DnsChallenge } from './dns-proof.ts';
import type { RecordsVerdict } from './domain-records.ts';
import type { Lookup } from './look-ups.ts';
import type { MailVerdict } from './mail-proof.ts';

export interface SenderVerdict {
  readonly meta: ObjectMeta;
  /** The condition `Verified`. */
  readonly judgement: Judgement;
  /** What it covers; absent where its spec says nothing that can be understood. */
  readonly covers?: {
    readonly sender: string;
    readonly includeSubdomains: boolean;
    readonly allowed: AllowedNamespaces;
  };
  readonly method?: 'Grandfathered' | 'DnsProof' | 'EmailProof';
  readonly challenge?: DnsChallenge | MailVerdict['challenge'];
  readonly lastCheckTime?: string;
  readonly lookup?: Lookup;
  /** Nothing speaks for it or against it yet: relays tell clients to try again. */
  readonly isUnchecked?: true;
  /** What is known of it was lost: it may have been verified. */
  readonly isLost?: true;
  /** What is to be remembered, where the settings vouch for it or have done so. */
  readonly vouching?: Vouching;
  readonly dns?: RecordsVerdict;
  /** For an address. */
  readonly mail?: MailWish;
  /** When it changes with time alone (a password expires, say); absent: never. */
  readonly until?: Date;
}
