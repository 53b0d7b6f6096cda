/**
 * How many relays each class has, by the pods that are ready: relays divide the limits of users by it. More of them count at once,
 * fewer only once that has lasted: a pod that is being replaced is back before, and its peers need not allow more meanwhile.
 */
export interface FleetSizes {
  /** The pods of a class may have changed. */
  readonly look: (className: string) => void;
  readonly of: (className: string) => number;
  readonly close: () => void;
}

export interface FleetSizesOptions {
  /** Pods of a class that are ready now. */
  readonly ready: (className: string) => number;
  readonly onChange: (className: string) => void;
  readonly holdMs?: number | undefined;
}

/** A pod that is replaced drains for half a minute, and is ready a few seconds after its start. */
const HOLD_MS = 90_000;

export function createFleetSizes({ ready, onChange, holdMs = HOLD_MS }: FleetSizesOptions): FleetSizes {
  const sizes = new Map<string, number>();
  const shrinking = new Map<string, NodeJS.Timeout>();

  function set(className: string, size: number): void {
    sizes.set(className, size);
    onChange(className);
  }

  function stay(className: string): void {
    clearTimeout(shrinking.get(className));
    shrinking.delete(className);
  }

  function shrink(className: string): void {
    shrinking.delete(className);
    const size = ready(className);
    // without any there is nobody to tell, and the next ones are likely to be as many again
    if (size > 0) set(className, size);
  }

  return {
    look: (className) => {
      const size = ready(className);
      const known = sizes.get(className) ?? 1;
      if (size >= known) stay(className);
      if (size > known) set(className, size);
      else if (size < known && !shrinking.has(className)) {
        shrinking.set(className, setTimeout(shrink, holdMs, className).unref());
      }
    },
    of: (className) => sizes.get(className) ?? 1,
    close: () => {
      shrinking.forEach((_, className) => stay(className));
    },
  };
}
