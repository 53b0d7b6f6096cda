/** Items that each wait for a time of their own: a binary heap, the earliest first. */

export interface Schedule<Item extends { readonly due: number }> {
  add(item: Item): void;
  /** When the earliest is due. */
  next(): number | undefined;
  /** Takes out the earliest that is due, if one is. */
  shift(now: number): Item | undefined;
  /** Takes out every item for which this holds. */
  takeWhere(predicate: (item: Item) => boolean): Item[];
}

export function createSchedule<Item extends { readonly due: number }>(): Schedule<Item> {
  let heap: Item[] = [];

  function add(item: Item): void {
    let child = heap.push(item) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (dueAt(parent) <= item.due) break;
      swap(child, parent);
      child = parent;
    }
  }

  function sink(from = 0): void {
    for (let parent = from; ;) {
      const [left, right] = [parent * 2 + 1, parent * 2 + 2];
      const child = dueAt(right) < dueAt(left) ? right : left;
      if (dueAt(child) >= dueAt(parent)) return;
      swap(child, parent);
      parent = child;
    }
  }

  function dueAt(position: number): number {
    return heap[position]?.due ?? Infinity;
  }

  function swap(a: number, b: number): void {
    const [itemA, itemB] = [heap[a], heap[b]];
    if (itemA === undefined || itemB === undefined) return;
    heap[a] = itemB;
    heap[b] = itemA;
  }

  return {
    add,
    next: () => heap[0]?.due,
    shift: (now) => {
      const [first] = heap;
      if (first === undefined || first.due > now) return undefined;
      swap(0, heap.length - 1);
      heap.pop();
      sink();
      return first;
    },
    takeWhere: (predicate) => {
      const [taken, kept]: [Item[], Item[]] = [[], []];
      for (const item of heap) (predicate(item) ? taken : kept).push(item);
      heap = kept;
      for (let parent = heap.length >> 1; parent >= 0; parent--) sink(parent);
      return taken;
    },
  };
}
