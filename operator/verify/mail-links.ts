/** The links of mails that have been sent, by the hash of their token. */
import type { MailEvidence } from '../core/mail-evidence.ts';
import type { KnownLink } from '../page/verify-page.ts';
import { isOpen } from './mail-evidence.ts';

export interface MailLink {
  /** `NAMESPACE/ADDRESS`. */
  readonly key: string;
  readonly evidence: MailEvidence;
}

export function linksOf(known: Iterable<readonly [string, MailEvidence]>): ReadonlyMap<string, MailLink> {
  const links = new Map<string, MailLink>();
  for (const [key, evidence] of known) {
    const hash = evidence.proof?.linkHash ?? evidence.challenge?.linkHash;
    if (hash !== undefined) links.set(hash, { key, evidence });
  }
  return links;
}

/** What the page says about it; undefined: it is of no use (any more). */
export function viewLink({ key, evidence }: MailLink, now: Date): KnownLink | undefined {
  const slash = key.indexOf('/');
  const names = { namespace: key.slice(0, slash), address: key.slice(slash + 1) };
  if (evidence.goneSince !== undefined) return undefined;
  if (evidence.proof !== undefined) return { ...names, state: 'Used' };
  return isOpen(evidence, now) ? { ...names, state: 'Open' } : undefined;
}
