/** Each write waits for the disk; this many wait together. */
const PARALLEL_WRITES = 16;

/** Does the work for each item, some at a time. Rejects with the first failure. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const workers = Array.from({ length: PARALLEL_WRITES }, async () => {
    for (const item of queue) await work(item);
  });
  await Promise.all(workers);
}
