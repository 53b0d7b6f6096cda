/** "Existing accounts have been verified": what the platform owner vouches for in the settings of any relay class. */
import { canonicalSender, domainCovers } from '../../../relay/address.ts';
import type { ClassView, ObjectMeta } from '../model.ts';
import { parseTime } from '../time.ts';
import { isPublicSuffix } from './public-suffix.ts';

/** What the settings of all classes vouch for. */
export interface ExistingSenders {
  /** Canonical senders by namespace. */
  readonly listed: ReadonlyMap<string, readonly string[]>;
  /** What the API server created before one of these is verified. */
  readonly before: readonly Date[];
}

export function existingSendersOf(classes: readonly ClassView[]): ExistingSenders {
  const settings = classes.map((view) => view.settings);
  const entries = settings.flatMap(({ existingSenders }) => existingSenders.flatMap((entry) => Object.entries(entry)));
  const listed = new Map<string, string[]>();
  for (const [namespace, text] of entries) {
    const sender = entrySender(text);
    if (sender !== undefined) listed.set(namespace, [...(listed.get(namespace) ?? []), sender]);
  }
  const before = settings.flatMap(({ existingSendersBefore }) => parseTime(existingSendersBefore) ?? []);
  return { listed, before };
}

/** Why a sender of this object's namespace counts as verified from the start, for people; undefined where it does not. */
export function vouchedFor(existing: ExistingSenders, meta: ObjectMeta, sender: string): string | undefined {
  const entry = existing.listed.get(meta.namespace)?.find((one) => vouchesFor(one, sender));
  if (entry !== undefined) {
    return `The platform owner lists ${entry.replace(/^@/, '')} under existingSenders for namespace ${meta.namespace}.`;
  }
  const created = parseTime(meta.creationTimestamp);
  if (created === undefined) return undefined;
  // somebody who has named it knows of it; that it is old says nothing
  if (sender.startsWith('@') && isPublicSuffix(sender.slice(1))) return undefined;
  const isOldEnough = existing.before.some((time) => created < time);
  return isOldEnough ? 'It was created before the time in existingSendersBefore.' : undefined;
}

/** An entry vouches for the domain or address that it names, and a domain for its addresses; not for other domains. */
function vouchesFor(entry: string, sender: string): boolean {
  if (entry === sender) return true;
  const domain = sender.slice(sender.lastIndexOf('@') + 1);
  return entry.startsWith('@') && domainCovers(entry.slice(1), false, domain);
}

/** `shop.example`, `@shop.example` or `orders@shop.example`. */
function entrySender(text: string): string | undefined {
  return canonicalSender(text.includes('@') ? text : `@${text}`);
}
