/** Judges the lists and senders of one namespace, which depend on no other namespace. */
import type { SenderRule } from '../../relay/config/config.ts';
import { guarded, internalError, type Fault } from './faults.ts';
import { defaultListOf, judgeList } from './lists/lists.ts';
import type { ListVerdict } from './lists/list-verdict.ts';
import { keyOf, type SenderEvidence, type ObjectMeta, type RawObject, type SecretOf } from './model.ts';
import type { MailEvidence } from './mail-evidence.ts';
import { overflowAmong, whyWaiting } from './namespace-limits.ts';
import type { Platform } from './platform.ts';
import type { DkimKeys } from './senders/dkim-model.ts';
import { ownRulesOf } from './senders/sender-rules.ts';
import type { Guest } from './selector.ts';
import { coveringDomains, NO_DOMAINS, type CoveringDomains } from './senders/covering.ts';
import { isDomainClaim, judgeSender } from './senders/senders.ts';
import type { SenderVerdict } from './senders/sender-verdict.ts';
import { earliestAfter } from './time.ts';

export interface NamespaceObjects {
  readonly lists: readonly RawObject[];
  readonly senders: readonly RawObject[];
}

export interface NamespaceCircumstances {
  readonly platform: Platform;
  /** It, with its labels. */
  readonly guest: Guest;
  readonly secretOf: SecretOf;
  /** What is known of a VerifiedSender (`NAMESPACE/NAME`) besides. */
  readonly evidenceOf: (sender: string) => SenderEvidence | undefined;
  /** What its mail is signed with. */
  readonly keysOf: (sender: string) => DkimKeys | undefined;
  /** What is known of an address (`NAMESPACE/ADDRESS`). */
  readonly mailOf: (key: string) => MailEvidence | undefined;
  /** Classes whose relays have no room for the keys of a VerifiedSender (`NAMESPACE/NAME`). */
  readonly withoutKeys: (sender: string) => readonly string[];
  readonly now: Date;
}

export interface NamespaceVerdicts {
  /** By `NAMESPACE/NAME`. */
  readonly lists: ReadonlyMap<string, ListVerdict>;
  /** The lists themselves, for what there is to say once one is gone. */
  readonly listMetas: ReadonlyMap<string, ObjectMeta>;
  readonly senders: ReadonlyMap<string, SenderVerdict>;
  /** Name of the list that takes the users who name none. */
  readonly defaultList: string | undefined;
  /** What its own VerifiedSenders let its users send as. */
  readonly ownRules: readonly SenderRule[];
  /** When one of these changes with time alone. */
  readonly until: Date | undefined;
  readonly faults: readonly Fault[];
}

export function judgeNamespace(
  { lists, senders }: NamespaceObjects,
  { platform, guest, secretOf, evidenceOf, keysOf, mailOf, withoutKeys, now }: NamespaceCircumstances,
): NamespaceVerdicts {
  const faults: Fault[] = [];
  const overflows = { lists: overflowAmong(lists, platform), senders: overflowAmong(senders, platform) };
  const judgeOne = (object: RawObject, covering: CoveringDomains): SenderVerdict => {
    const judge = (): SenderVerdict => {
      const { meta } = object;
      const judgement = whyWaiting(overflows.senders, object);
      if (judgement !== undefined) return { meta, judgement };
      return judgeSender(object, {
        platform,
        evidence: evidenceOf(keyOf(meta)),
        keys: keysOf(keyOf(meta)),
        mailOf,
        withoutKeys: withoutKeys(keyOf(meta)),
        covering,
        now,
      });
    };
    const failed = (): SenderVerdict => ({ meta: object.meta, judgement: internalError('Verified') });
    return guarded(object, faults, judge, failed);
  };
  const senderVerdicts = judgeSenders(senders, judgeOne);
  const defaultList = defaultListOf(lists);
  const listVerdicts = lists.map((object) => {
    const waiting = whyWaiting(overflows.lists, object);
    const judge = (): ListVerdict => judgeList(object, { platform, guest, defaultList, secretOf, waiting });
    const failed = (): ListVerdict => ({ accepted: internalError('Accepted') });
    return [keyOf(object.meta), guarded(object, faults, judge, failed)] as const;
  });
  const verdicts = [...senderVerdicts.values()];
  return {
    lists: new Map(listVerdicts),
    listMetas: new Map(lists.map(({ meta }) => [keyOf(meta), meta])),
    senders: senderVerdicts,
    defaultList: defaultList?.name,
    ownRules: ownRulesOf(verdicts).rules,
    until: earliestAfter(
      now,
      verdicts.map(({ until }) => until),
    ),
    faults,
  };
}

/** Domains first, which may cover addresses. In the order of the objects. */
function judgeSenders(
  senders: readonly RawObject[],
  judge: (object: RawObject, covering: CoveringDomains) => SenderVerdict,
): ReadonlyMap<string, SenderVerdict> {
  // one that cannot even be looked at is told when it is judged
  const isDomain = (object: RawObject): boolean =>
    guarded(
      object,
      [],
      () => isDomainClaim(object),
      () => true,
    );
  const domains = new Map(senders.filter(isDomain).map((object) => [object, judge(object, NO_DOMAINS)]));
  const covering = coveringDomains([...domains.values()]);
  return new Map(senders.map((object) => [keyOf(object.meta), domains.get(object) ?? judge(object, covering)]));
}
