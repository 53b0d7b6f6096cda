/** Each piece of work waits for the disk; this many wait together. */
const PARALLEL = 16;

/** Does the work for each item, some at a time. Resolves to the results in the order of the items; rejects with the first failure. */
export async function inParallel<T, R>(items: Iterable<T>, work: (item: T) => Promise<R>): Promise<R[]> {
  const queue = [...items].entries();
  const results: R[] = [];
  const workers = Array.from({ length: PARALLEL }, async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  });
  await Promise.all(workers);
  return results;
}
