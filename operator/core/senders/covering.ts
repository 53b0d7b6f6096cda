/**
 * An address under a verified domain of its own namespace needs no proof of its own. A domain that another namespace
 * shares does not count: the address could be shared further, which the domain's owner has never agreed to.
 */
import { parseMailbox } from '../../../relay/address.ts';
import { keyOf } from '../model.ts';
import type { SenderVerdict } from './sender-verdict.ts';

/** Finds the domain that covers an address (canonical): the nearest of those that do. */
type Finder = (address: string) => SenderVerdict | undefined;

export interface CoveringDomains {
  readonly verified: Finder;
  /** Finds those that are about to be looked up: nobody knows yet whether they are verified. */
  readonly awaited: Finder;
}

export const NO_DOMAINS: CoveringDomains = { verified: () => undefined, awaited: () => undefined };

export function coveringDomains(verdicts: readonly SenderVerdict[]): CoveringDomains {
  return {
    verified: finderOf(verdicts.filter(({ judgement }) => judgement.status === 'True')),
    awaited: finderOf(verdicts.filter(({ isUnchecked, lastCheckTime }) => isUnchecked && lastCheckTime === undefined)),
  };
}

function finderOf(verdicts: readonly SenderVerdict[]): Finder {
  const exact = new Map<string, SenderVerdict>();
  const withSubdomains = new Map<string, SenderVerdict>();
  for (const verdict of verdicts) {
    const { covers } = verdict;
    if (covers?.sender.startsWith('@') !== true) continue;
    const domain = covers.sender.slice(1);
    putLowest(exact, domain, verdict);
    if (covers.includeSubdomains) putLowest(withSubdomains, domain, verdict);
  }
  return (address) => {
    const domain = parseMailbox(address)?.domain;
    if (domain === undefined) return undefined;
    return exact.get(domain) ?? nearest(withSubdomains, domain);
  };
}

/** Of several for one domain always takes the same, whatever the order in which they come. */
function putLowest(verdicts: Map<string, SenderVerdict>, domain: string, verdict: SenderVerdict): void {
  const known = verdicts.get(domain);
  if (known === undefined || keyOf(verdict.meta) < keyOf(known.meta)) verdicts.set(domain, verdict);
}

function nearest(verdicts: ReadonlyMap<string, SenderVerdict>, domain: string): SenderVerdict | undefined {
  for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) {
    const verdict = verdicts.get(domain.slice(dot + 1));
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}
