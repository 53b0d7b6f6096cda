/**
 * Lists that have been deleted, as a look at a new configuration finds them. Their mail:
 *
 *   under way    is broken off: its upstream could hold on to a place for as long as it likes
 *   waiting      goes into the lane of no upstream (lanes.ts, `upstreamOf`), where each attempt says which list is missing
 *   too old      counted from here (age-limits.ts) it has some time to see the list come back, and bounces after that
 *
 * A list that is there again takes its mail along at once, as any list does whose upstream has changed.
 */
import { setMaxListeners } from 'node:events';

export interface GoneLists {
  /** Aborted once the list is gone. */
  signalOf(list: string): AbortSignal;
  /** Since when a list that is not there is known to be gone: from now on, where nobody has asked before. */
  since(list: string, now: number): number;
  /** Looks at those with mail, and breaks off what is under way. A list that comes back begins anew. */
  look(isThere: (list: string) => boolean, withMail: Iterable<string>, now: number): void;
}

export function createGoneLists(): GoneLists {
  const controllers = new Map<string, AbortController>();
  const gone = new Map<string, number>();

  function since(list: string, now: number): number {
    const known = gone.get(list) ?? now;
    gone.set(list, known);
    return known;
  }

  return {
    signalOf: (list) => {
      const known = controllers.get(list);
      if (known !== undefined) return known.signal;
      const controller = new AbortController();
      // one for each message under way
      setMaxListeners(0, controller.signal);
      controllers.set(list, controller);
      return controller.signal;
    },
    since,
    look: (isThere, withMail, now) => {
      const without = new Set(gone.keys());
      for (const list of withMail) {
        without.delete(list);
        if (!isThere(list)) since(list, now);
      }
      for (const list of gone.keys()) if (without.has(list) || isThere(list)) gone.delete(list);
      for (const [list, controller] of controllers) {
        if (isThere(list)) continue;
        controllers.delete(list);
        controller.abort(new Error(`list ${list} is gone`));
      }
    },
  };
}
