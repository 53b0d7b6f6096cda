/** Settings that a single process takes only at its start: where it listens, and where it keeps things. */
import { isEqual } from '../core/equal.ts';
import type { Settings } from '../settings/settings.ts';

const BOUND = [
  'folder',
  'state',
  'host',
  'ports',
  'implicitTlsPorts',
  'skipBusyPorts',
  'workers',
  'http',
  'capture',
  'relayClass',
] as const satisfies readonly (keyof Settings)[];

type Rebound =
  | {
      readonly ok: true;
      /** The new ones, with those of the start where they are bound. */
      readonly settings: Settings;
      /** Bound ones that are other than at the start. */
      readonly waiting: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly string[] };

export function keepBound(atStart: Settings, next: Settings): Rebound {
  const { relayClass } = atStart;
  if (!Object.hasOwn(next.classes, relayClass)) {
    const problem = `classes: must keep ${relayClass}, which this process serves; to serve another one, start it again`;
    return { ok: false, problems: [problem] };
  }
  const bound = Object.fromEntries(BOUND.map((name) => [name, atStart[name]]));
  const waiting = BOUND.filter((name) => !isEqual(atStart[name], next[name]));
  return { ok: true, settings: { ...next, ...bound }, waiting };
}
