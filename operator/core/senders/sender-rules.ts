/** What the users of a namespace may send as: its own VerifiedSenders, and those that others share with it. */
import type { SenderRule } from '../../../relay/config.ts';
import { keysIn, sendersOfNamespace, sharedSenders } from '../facts.ts';
import { keyOf } from '../model.ts';
import { allows } from '../selector.ts';
import { senderVerdicts, type SenderVerdict } from './senders.ts';
import { byAge } from '../time.ts';
import { read, type Table, type World } from '../world.ts';

/**
 * Rules of one namespace that are in effect: 100 bytes each, they share a Secret of 1 MiB with those of other
 * namespaces, and one tenant must not fill it. The oldest stay, so that nobody can crowd out what is in use.
 */
export const RULES_MAX = 1000;

export interface NamespaceRules {
  /** Its own first, then shared ones; of each the verified first, and the older first. */
  readonly rules: readonly SenderRule[];
  /** VerifiedSenders beyond RULES_MAX. */
  readonly leftOut: number;
}

export const namespaceRules: Table<NamespaceRules> = { name: 'namespace rules', formula: rulesOf };

function rulesOf(world: World, namespace: string): NamespaceRules {
  const own = verdictsOf(world, keysIn(world, sendersOfNamespace, namespace));
  const shared = verdictsOf(world, keysIn(world, sharedSenders, '')).filter(
    ({ meta, covers }) =>
      meta.namespace !== namespace &&
      covers !== undefined &&
      allows(world, covers.allowed, { owner: meta.namespace, guest: namespace }),
  );
  const rules = [...own, ...shared].flatMap(ruleOf);
  return { rules: rules.slice(0, RULES_MAX), leftOut: Math.max(0, rules.length - RULES_MAX) };
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
