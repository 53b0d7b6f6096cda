/** What a SmtpPlusList comes to under its class. */
import type { AllowedNamespaces } from '../../api/common.ts';
import type { PauseAbove } from '../../api/sending.ts';
import type { Limits, ListConfig } from '../../../relay/config/config.ts';
import type { Judgement } from '../conditions.ts';

export interface ListVerdict {
  /** The condition `Accepted`. */
  readonly accepted: Judgement;
  /** Absent where the spec says nothing that can be understood: then nobody else may attach users. */
  readonly allowed?: AllowedNamespaces;
  /** What it comes to; absent where it is not accepted. */
  readonly terms?: ListTerms;
  /** Another installation serves its class: it and its users are left alone. */
  readonly isServedElsewhere?: true;
}

export interface ListTerms {
  readonly className: string;
  /** Those that the class serves. */
  readonly servedNamespaces: AllowedNamespaces;
  readonly config: ListConfig;
  /** Limits of each of its users. */
  readonly limits: Limits;
  /** When each of its users is paused; a user may be stricter. */
  readonly pauseAbove: PauseAbove | undefined;
  readonly upstream: Judgement;
}
