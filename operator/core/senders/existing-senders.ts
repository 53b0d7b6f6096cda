/** "Existing accounts have been verified": what the platform owner vouches for in the settings of any relay class. */
import { canonicalSender, domainCovers } from '../../../relay/address.ts';
import type { ClassSettings } from '../../settings.ts';
import { classes, classNames } from '../facts.ts';
import type { ObjectMeta } from '../model.ts';
import { parseTime } from '../time.ts';
import { read, type Table, type World } from '../world.ts';

/** Canonical senders that existingSenders lists for a namespace, over all classes. */
const existingSendersOf: Table<readonly string[]> = {
  name: 'existing senders',
  formula: (world, namespace) =>
    allSettings(world)
      .flatMap(({ existingSenders }) => existingSenders)
      .flatMap((entry) => Object.entries(entry))
      .flatMap(([owner, text]) => (owner === namespace ? [entrySender(text)] : []))
      .filter((sender) => sender !== undefined),
};

/** Why a sender of this object's namespace counts as verified from the start, for people; undefined where it does not. */
export function grandfatheredBy(world: World, meta: ObjectMeta, sender: string): string | undefined {
  const entry = read(world, existingSendersOf, meta.namespace).find((listed) => vouchesFor(listed, sender));
  if (entry !== undefined) {
    return `The platform owner lists ${entry.replace(/^@/, '')} under existingSenders for namespace ${meta.namespace}.`;
  }
  const created = parseTime(meta.creationTimestamp);
  if (created === undefined) return undefined;
  const before = allSettings(world)
    .map(({ existingSendersBefore }) => parseTime(existingSendersBefore))
    .find((time) => time !== undefined && created < time);
  return before === undefined ? undefined : 'It was created before the time in existingSendersBefore.';
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

function allSettings(world: World): ClassSettings[] {
  const names = read(world, classNames, '') ?? [];
  return names.flatMap((name) => read(world, classes, name)?.settings ?? []);
}
