/** `spec.senders`: what a user may send as, where that is less than what its namespace may. It is never more. */
import { canonicalSender, covers, domainCovers, parseMailbox } from '../../../relay/address.ts';
import type { SenderRule } from '../../../relay/config/config.ts';

export interface NarrowedSender {
  /** The entry in canonical form. */
  readonly sender: string;
  /** What it comes to; none where no VerifiedSender covers it. */
  readonly rules: readonly SenderRule[];
}

/** Each entry of `spec.senders`, cut down to what the rules of the namespace allow. */
export function narrow(entries: readonly string[], rules: readonly SenderRule[]): NarrowedSender[] {
  const senders = new Set(entries.map(canonicalSender).filter((sender) => sender !== undefined));
  return [...senders].map((sender) => ({
    sender,
    rules: sender.startsWith('@') ? ofDomain(sender, rules) : ofAddress(sender, rules),
  }));
}

function ofAddress(sender: string, rules: readonly SenderRule[]): SenderRule[] {
  const mailbox = parseMailbox(sender);
  if (mailbox === undefined) return [];
  return best(rules.filter((rule) => covers(rule, mailbox))).map((rule) => exactly(sender, rule));
}

/** A wider rule that covers the domain comes to that domain; a domain of which only addresses are known comes to those. */
function ofDomain(sender: string, rules: readonly SenderRule[]): SenderRule[] {
  const domain = sender.slice(1);
  const wider = best(rules.filter((rule) => isDomain(rule) && coversDomain(rule, domain)));
  const whole = wider.map((rule) => exactly(sender, rule));
  if (whole.some(({ verified }) => verified)) return whole;
  const addresses = rules.filter((rule) => !isDomain(rule) && rule.sender.endsWith(sender));
  return [...whole, ...addresses];
}

function isDomain({ sender }: SenderRule): boolean {
  return sender.startsWith('@');
}

function coversDomain({ sender, includeSubdomains }: SenderRule, domain: string): boolean {
  return domainCovers(sender.slice(1), includeSubdomains, domain);
}

/** One rule is enough, and a verified one is better than one that may turn out to be, and that than one that waits. */
function best(rules: readonly SenderRule[]): SenderRule[] {
  const rule = rules.find(({ verified }) => verified) ?? rules.find(({ unchecked }) => unchecked) ?? rules[0];
  return rule === undefined ? [] : [rule];
}

/** `@shop.example` among a user's senders means that domain alone, even where the VerifiedSender covers those below. */
function exactly(sender: string, { verified, unchecked, object }: SenderRule): SenderRule {
  return { sender, includeSubdomains: false, verified, ...(unchecked && { unchecked }), object };
}
