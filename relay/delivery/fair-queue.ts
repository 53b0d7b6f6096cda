/** First in, first out within a list; in turns between lists, so that a flood of one does not hold up the others. */

export interface FairQueue<Item> {
  push(list: string, item: Item): void;
  shift(): Item | undefined;
  /** Takes out every item for which this holds, the lists in turn order. */
  take(predicate: (item: Item) => boolean): Item[];
  size(): number;
  /** Those with an item. */
  lists(): Iterable<string>;
}

/** Shifting an array copies it: done once for this many items. */
const COMPACT_AT = 1024;

export function createFairQueue<Item>(): FairQueue<Item> {
  // insertion order of the map is the order of turns: who was served goes to the end
  const lists = new Map<string, { items: Item[]; head: number }>();
  let size = 0;
  return {
    push: (list, item) => {
      size++;
      const queue = lists.get(list);
      if (queue === undefined) lists.set(list, { items: [item], head: 0 });
      else queue.items.push(item);
    },
    shift: () => {
      const next = lists.entries().next().value;
      if (next === undefined) return undefined;
      const [list, queue] = next;
      const item = queue.items[queue.head++];
      size--;
      lists.delete(list);
      if (queue.head === COMPACT_AT) {
        queue.items.splice(0, COMPACT_AT);
        queue.head = 0;
      }
      if (queue.head < queue.items.length) lists.set(list, queue);
      return item;
    },
    take: (predicate) => {
      const taken: Item[] = [];
      for (const [list, { items, head }] of lists) {
        const waiting = items.slice(head);
        const kept: Item[] = [];
        for (const item of waiting) (predicate(item) ? taken : kept).push(item);
        if (kept.length === waiting.length) continue;
        if (kept.length === 0) lists.delete(list);
        else lists.set(list, { items: kept, head: 0 });
      }
      size -= taken.length;
      return taken;
    },
    size: () => size,
    lists: () => lists.keys(),
  };
}
