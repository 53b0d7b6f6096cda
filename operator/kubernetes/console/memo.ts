import { createHash } from 'node:crypto';

/** Remembers answers of the API server for a moment, so many at most; one that is asked for twice at once is asked once. */
export interface Memo<Value> {
  /** Whether an answer is remembered, or on its way. */
  readonly has: (key: string) => boolean;
  readonly get: (key: string, ask: () => Promise<Value>) => Promise<Value>;
}

/** As many as are kept where nobody says how many are needed. */
const ENTRIES_MAX = 5000;

export function createMemo<Value>({
  forMs,
  entriesMax = ENTRIES_MAX,
  now = () => performance.now(),
}: {
  readonly forMs: number;
  readonly entriesMax?: number;
  readonly now?: () => number;
}): Memo<Value> {
  // insertion order is the order of age
  const known = new Map<string, { readonly value: Promise<Value>; readonly until: number }>();

  function forgetOld(): void {
    for (const [key, { until }] of known) {
      if (until > now() && known.size < entriesMax) return;
      known.delete(key);
    }
  }

  const find = (key: string): Promise<Value> | undefined => {
    const found = known.get(key);
    return found !== undefined && found.until > now() ? found.value : undefined;
  };

  return {
    has: (text) => find(keyOf(text)) !== undefined,
    get: (text, ask) => {
      const key = keyOf(text);
      const before = find(key);
      if (before !== undefined) return before;
      known.delete(key);
      forgetOld();
      const value = ask();
      known.set(key, { value, until: now() + forMs });
      // what failed is asked again
      value.catch(() => known.delete(key));
      return value;
    },
  };
}

/** Neither tokens nor the hundred groups of somebody are kept. */
function keyOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
