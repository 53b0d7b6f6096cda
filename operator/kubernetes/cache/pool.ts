/**
 * Equal values, kept once: ten thousand objects have the same CA, host name and conditions, and each arrives with
 * copies of its own. Nothing secret belongs in here, since a pool keeps it for longer than its object lives.
 */
export interface Pool<T extends object | string> {
  /** The value with this key that is known already, else the one that `make` gives. */
  readonly share: (key: string, make: () => T) => T;
}

export function createPool<T extends object | string>(max: number): Pool<T> {
  const known = new Map<string, T>();
  return {
    share: (key, make) => {
      const found = known.get(key);
      if (found !== undefined) return found;
      // whatever is still common comes back at once
      if (known.size >= max) known.clear();
      const made = make();
      known.set(key, made);
      return made;
    },
  };
}
