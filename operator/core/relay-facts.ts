/** What is known about the relays, as far as the plan of one object needs it. */
import { signerEntry } from './fit.ts';
import type { Planner } from './planner-state.ts';
import { isChanged } from './relay-config.ts';

/** Whether they run these entries of their configuration. */
export function programmedIn({ sources, relays }: Planner, className: string, entries: readonly string[]) {
  return sources.programmed(className, {
    entries,
    isChanged: entries.some((entry) => isChanged(relays.store, className, entry)),
  });
}

/** Classes whose relays go without the keys of a VerifiedSender, since there is no room for them. */
export function classesWithoutKeys(planner: Planner, sender: string): readonly string[] {
  const { sources, platform } = planner;
  const asked = { entries: [signerEntry(sender)], isChanged: false };
  return platform.classNames.filter((className) => sources.programmed(className, asked)?.state === 'NoRoom');
}

/** For an object that no relay serves. */
export const NOTHING_TOLD = { relays: undefined, upstream: undefined };

/** What the relays tell of a class, and of what becomes of the mail of a list. */
export function toldOf({ sources }: Planner, className: string, list: string) {
  return { relays: sources.relays(className), upstream: sources.upstream(className, list) };
}
