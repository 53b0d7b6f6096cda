/** What the users of a namespace may send as: its own VerifiedSenders, and those that others share with it. */
import type { SenderRule } from '../../../relay/config/config.ts';
import { keyOf } from '../model.ts';
import { allows, type Guest } from '../selector.ts';
import type { SenderVerdict } from './sender-verdict.ts';
import { byAge } from '../time.ts';

/**
 * Rules of one namespace that are in effect: they share a Secret of 1 MiB with those of other namespaces, and one tenant
 * must not fill it. The oldest stay, so that nobody can crowd out what is in use.
 */
const RULES_MAX = 1000;
/** A thousand of the usual length. */
const RULES_BYTES_MAX = 128 * 1024;
/** Rules that one namespace shares with another: what is shared with all is in the configuration of all. */
const SHARED_MAX = 50;

export interface NamespaceRules {
  /** Its own first, the verified before the others; then what others share, once it is verified. The older first. */
  readonly rules: readonly SenderRule[];
  /** How many of its own VerifiedSenders are beyond the number in effect. */
  readonly leftOut: number;
}

/** The rules of a namespace's own VerifiedSenders that are in effect. */
export function ownRulesOf(own: Iterable<SenderVerdict>): NamespaceRules {
  const ownRules = inOrder([...own]).flatMap(ruleOf);
  const rules = withinBudget(ownRules.slice(0, RULES_MAX), RULES_BYTES_MAX);
  return { rules, leftOut: ownRules.length - rules.length };
}

/** With what others share with it. */
export function namespaceRulesOf(
  own: Iterable<SenderVerdict>,
  others: Iterable<SenderVerdict>,
  guest: Guest,
): NamespaceRules {
  const shared = [...others].filter((verdict) => isSharedWith(verdict, guest));
  const ownRules = inOrder([...own]).flatMap(ruleOf);
  const candidates = [...ownRules, ...fewOfEach(inOrder(shared)).flatMap(ruleOf)];
  const rules = withinBudget(candidates.slice(0, RULES_MAX), RULES_BYTES_MAX);
  return { rules, leftOut: Math.max(0, ownRules.length - rules.length) };
}

/**
 * Whether a VerifiedSender is there for other namespaces: what is not verified yet would let anybody write into what is told to
 * all of them. One whose evidence is lost may have been verified, so that their mail is to wait until it is looked up.
 */
export function isOffered(verdict: SenderVerdict): boolean {
  const { covers } = verdict;
  if (covers === undefined || covers.allowed.from === 'Same') return false;
  return isVerified(verdict) || verdict.isLost === true;
}

/** Whether it is of use to this one. */
export function isSharedWith(verdict: SenderVerdict, guest: Guest): boolean {
  const { meta, covers } = verdict;
  if (meta.namespace === guest.name || covers === undefined || !isOffered(verdict)) return false;
  return allows(covers.allowed, meta.namespace, guest);
}

function fewOfEach(shared: readonly SenderVerdict[]): SenderVerdict[] {
  const counts = new Map<string, number>();
  return shared.filter(({ meta: { namespace } }) => {
    const count = (counts.get(namespace) ?? 0) + 1;
    counts.set(namespace, count);
    return count <= SHARED_MAX;
  });
}

/** Names and punctuation of a rule in JSON. */
const RULE_OVERHEAD = 90;

/** The first rules, as many as fit these bytes of the relay's configuration. */
export function withinBudget(rules: readonly SenderRule[], bytes: number): SenderRule[] {
  let left = bytes;
  return rules.filter(({ sender, object }) => (left -= sender.length + object.length + RULE_OVERHEAD) >= 0);
}

function inOrder(verdicts: readonly SenderVerdict[]): SenderVerdict[] {
  return verdicts.toSorted((a, b) => Number(isVerified(b)) - Number(isVerified(a)) || byAge(a.meta, b.meta));
}

function isVerified({ judgement }: SenderVerdict): boolean {
  return judgement.status === 'True';
}

function ruleOf(verdict: SenderVerdict): SenderRule[] {
  if (verdict.covers === undefined) return [];
  const { sender, includeSubdomains } = verdict.covers;
  const rule = { sender, includeSubdomains, verified: isVerified(verdict), object: keyOf(verdict.meta) };
  return [verdict.isUnchecked ? { ...rule, unchecked: true } : rule];
}
