import type { SenderRule } from '../../../relay/config/config.ts';
import type { Judgement } from '../conditions.ts';
import type { ListVerdict } from '../lists/list-verdict.ts';
import type { AcceptedPasswords, ObjectMeta, RawObject, SecretOf } from '../model.ts';
import type { Platform } from '../platform.ts';
import type { Guest } from '../selector.ts';
import type { NamespaceRules } from '../senders/sender-rules.ts';
import type { UsageFact } from '../usage.ts';
import type { UsernameClaim } from './usernames.ts';

/** What a user is judged by, besides itself: all that its namespace has, and what others let it have. */
export interface UserCircumstances {
  readonly platform: Platform;
  /** Its namespace, as others see it. */
  readonly guest: Guest;
  /** What the users of its namespace may send as. */
  readonly rules: NamespaceRules;
  /** Those of them that come from VerifiedSenders of the namespace itself. */
  readonly ownRules: readonly SenderRule[];
  /** Name of the default list of its namespace. */
  readonly defaultList: string | undefined;
  /** By `NAMESPACE/NAME`; undefined where there is no such list. */
  readonly listOf: (key: string) => ListVerdict | undefined;
  readonly secretOf: SecretOf;
  /** The users of its namespace, itself included, whose credentials are to be in this Secret. */
  readonly claimantsOf: (secretName: string) => readonly ObjectMeta[];
  /** What all users say for themselves, in any namespace, who ask for the same user name; none for a default name. */
  readonly claimsOn: (user: RawObject) => readonly UsernameClaim[];
  /** Why the Secret of a user (`NAMESPACE/NAME`) could not be written when it was last tried. */
  readonly secretTroubleOf: (user: string) => string | undefined;
  /** Why the user is not served, whatever it says; undefined: it is. */
  readonly whyWaiting: (user: RawObject) => Judgement | undefined;
  /** What the relays were told last of the passwords of a user (`NAMESPACE/NAME`). */
  readonly acceptedOf: (user: string) => AcceptedPasswords | undefined;
  /** What relays have counted of a user (`NAMESPACE/NAME`); undefined where they were not heard yet. */
  readonly usageOf: (user: string) => UsageFact | undefined;
  readonly now: Date;
}
