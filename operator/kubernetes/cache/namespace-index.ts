/** Which keys (`NAMESPACE/NAME`) each namespace has. */
export interface NamespaceIndex {
  readonly note: (key: string, isThere: boolean) => void;
  readonly countIn: (namespace: string) => number;
  readonly keysIn: (namespace: string) => Iterable<string>;
}

export function createNamespaceIndex(): NamespaceIndex {
  const keys = new Map<string, Set<string>>();
  return {
    note: (key, isThere) => {
      const namespace = key.slice(0, Math.max(0, key.indexOf('/')));
      const there = keys.get(namespace) ?? new Set<string>();
      if (isThere) keys.set(namespace, there.add(key));
      else if (there.delete(key) && there.size === 0) keys.delete(namespace);
    },
    countIn: (namespace) => keys.get(namespace)?.size ?? 0,
    keysIn: (namespace) => keys.get(namespace) ?? [],
  };
}
