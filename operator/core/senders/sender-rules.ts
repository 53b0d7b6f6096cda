/** What the users of a namespace may send as: its own VerifiedSenders, and those that others share with it. */
import type { SenderRule } from '../../../relay/config.ts';
import { keysIn, sendersOfNamespace, sharedSenders } from '../facts.ts';
import { keyOf } from '../model.ts';
import { allows } from '../selector.ts';
import { senderVerdicts, type SenderVerdict } from './senders.ts';
import { byAge } from '../time.ts';
import { read, type Table, type World } from '../world.ts';

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
  /** Of its own VerifiedSenders, those beyond what is in effect. */
  readonly leftOut: number;
}

export const namespaceRules: Table<NamespaceRules> = { name: 'namespace rules', formula: rulesOf };

function rulesOf(world: World, namespace: string): NamespaceRules {
  const own = verdictsOf(world, keysIn(world, sendersOfNamespace, namespace));
  const shared = verdictsOf(world, keysIn(world, sharedSenders, '')).filter(
    (verdict) =>
      verdict.meta.namespace !== namespace &&
      verdict.covers !== undefined &&
      isVerified(verdict) &&
      allows(world, verdict.covers.allowed, { owner: verdict.meta.namespace, guest: namespace }),
  );
  const ownRules = own.flatMap(ruleOf);
  const candidates = [...ownRules, ...fewOfEach(shared).flatMap(ruleOf)];
  const rules = withinBudget(candidates.slice(0, RULES_MAX), RULES_BYTES_MAX);
  return { rules, leftOut: Math.max(0, ownRules.length - rules.length) };
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
const RULE_OVERHEAD = 70;

/** The first rules that come to so many bytes of the relay's configuration. */
export function withinBudget(rules: readonly SenderRule[], bytes: number): SenderRule[] {
  let left = bytes;
  return rules.filter(({ sender, object }) => (left -= sender.length + object.length + RULE_OVERHEAD) >= 0);
}

function verdictsOf(world: World, keys: readonly string[]): SenderVerdict[] {
  const verdicts = keys.map((key) => read(world, senderVerdicts, key)).filter((verdict) => verdict !== undefined);
  return verdicts.sort((a, b) => Number(isVerified(b)) - Number(isVerified(a)) || byAge(a.meta, b.meta));
}

function isVerified({ judgement }: SenderVerdict): boolean {
  return judgement.status === 'True';
}

function ruleOf(verdict: SenderVerdict): SenderRule[] {
  if (verdict.covers === undefined) return [];
  const { sender, includeSubdomains } = verdict.covers;
  return [{ sender, includeSubdomains, verified: isVerified(verdict), object: keyOf(verdict.meta) }];
}

/** Whether users of a namespace may use this rule by right of a VerifiedSender of their own, not of one shared with it. */
export function isOwn(rule: SenderRule, namespace: string): boolean {
  return rule.object.startsWith(`${namespace}/`);
}
