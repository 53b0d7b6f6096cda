/** Breaks off what is under way for lists that are gone: their upstreams may hold a place for as long as they like. */
import { setMaxListeners } from 'node:events';

export interface GoneLists {
  /** Aborted once the list is gone. */
  signalOf(list: string): AbortSignal;
  /** A list that comes back begins anew. */
  abort(isThere: (list: string) => boolean): void;
}

export function createGoneLists(): GoneLists {
  const controllers = new Map<string, AbortController>();
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
    abort: (isThere) => {
      for (const [list, controller] of controllers) {
        if (isThere(list)) continue;
        controllers.delete(list);
        controller.abort(new Error(`list ${list} is gone`));
      }
    },
  };
}
