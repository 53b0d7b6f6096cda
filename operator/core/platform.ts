/** What is the same for every namespace: what the platform owner has decided, worked out once for all of them. */
import { judgeBuiltInList } from './lists/lists.ts';
import type { ListVerdict } from './lists/list-verdict.ts';
import type { ClassView, Issuer, OtherInstallations, Snapshot } from './model.ts';
import type { DnsVerification } from './senders/dns-verification.ts';
import type { NamespaceLimits } from '../settings/settings.ts';
import type { MailVerification } from './mail-evidence.ts';
import { existingSendersOf, type ExistingSenders } from './senders/existing-senders.ts';

export interface Platform {
  readonly classes: ReadonlyMap<string, ClassView>;
  /** Names of the classes, in a fixed order. */
  readonly classNames: readonly string[];
  /** Absent: domains are not verified by DNS here. */
  readonly verification?: DnsVerification;
  /** Absent: addresses are not verified by mail here. */
  readonly mailVerification?: MailVerification;
  readonly howToVouch?: string;
  readonly otherInstallations: OtherInstallations;
  readonly namespaceLimits?: NamespaceLimits;
  readonly existingSenders: ExistingSenders;
  /** The list of users whose namespace has no default list. */
  readonly builtInList: ListVerdict;
  readonly issuer: Issuer;
}

/** The part of a snapshot that is the platform owner's. */
export type PlatformFacts = Pick<Snapshot, 'classes' | 'howToVouch' | 'otherInstallations' | 'namespaceLimits'> & {
  readonly verification?: DnsVerification | undefined;
  readonly mailVerification?: MailVerification | undefined;
};

const NO_OTHERS: OtherInstallations = { classes: [], speaksForAll: true };

export function createPlatform(
  {
    classes,
    verification,
    mailVerification,
    howToVouch,
    otherInstallations = NO_OTHERS,
    namespaceLimits,
  }: PlatformFacts,
  issuer: Issuer,
): Platform {
  const classNames = [...classes.keys()].sort();
  return {
    classes,
    classNames,
    ...(verification !== undefined && { verification }),
    ...(mailVerification !== undefined && { mailVerification }),
    ...(howToVouch !== undefined && { howToVouch }),
    otherInstallations,
    ...(namespaceLimits !== undefined && { namespaceLimits }),
    existingSenders: existingSendersOf(classNames.flatMap((name) => classes.get(name) ?? [])),
    builtInList: judgeBuiltInList({ classes, otherInstallations }),
    issuer,
  };
}
