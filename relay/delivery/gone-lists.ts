/**
 * Lists that have been deleted. Deliveries under way for them are broken off: their upstreams could hold on to a place
 * for as long as they like. Their waiting mail gets a deadline of its own (age-limits.ts), which is counted from here.
 */
import { setMaxListeners } from 'node:events';

export interface GoneLists {
  /** Aborted once the list is gone. */
  signalOf(list: string): AbortSignal;
  /** Since when a list that is not there is known to be gone. */
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
