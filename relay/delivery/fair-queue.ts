/**
 * First in, first out within each key, and round robin between keys, so that a flood of one does not hold up the
 * others.
 */

export interface FairQueue<Item> {
  push(key: string, item: Item): void;
  /** The next one of those keys that may have a turn; others keep theirs. */
  shift(mayHave?: (key: string) => boolean): Item | undefined;
  /** Takes out every item for which this holds, the keys in turn order. */
  takeWhere(predicate: (item: Item) => boolean): Item[];
  size(): number;
  /** Those with an item. */
  keys(): Iterable<string>;
}

/** Shifting an array copies it: done once for this many items. */
const COMPACT_AT = 1024;

export function createFairQueue<Item>(): FairQueue<Item> {
  // insertion order of the map is the order of turns: a key that was served goes to the end
  const queues = new Map<string, { items: Item[]; head: number }>();
  let size = 0;
  return {
    push: (key, item) => {
      size++;
      const queue = queues.get(key);
      if (queue === undefined) queues.set(key, { items: [item], head: 0 });
      else queue.items.push(item);
    },
    shift: (mayHave = () => true) => {
      for (const [key, queue] of queues) {
        if (!mayHave(key)) continue;
        const item = queue.items[queue.head++];
        size--;
        queues.delete(key);
        if (queue.head === COMPACT_AT) {
          queue.items.splice(0, COMPACT_AT);
          queue.head = 0;
        }
        if (queue.head < queue.items.length) queues.set(key, queue);
        return item;
      }
      return undefined;
    },
    takeWhere: (predicate) => {
      const taken: Item[] = [];
      for (const [key, { items, head }] of queues) {
        const first = items.findIndex((item, at) => at >= head && predicate(item));
        // nothing is copied where nothing is taken
        if (first < 0) continue;
        taken.push(...items.slice(first, first + 1));
        const kept = items.slice(head, first);
        for (const item of items.slice(first + 1)) (predicate(item) ? taken : kept).push(item);
        if (kept.length === 0) queues.delete(key);
        else queues.set(key, { items: kept, head: 0 });
      }
      size -= taken.length;
      return taken;
    },
    size: () => size,
    keys: () => queues.keys(),
  };
}
