/** Each write waits for the disk; this many wait together. */
const PARALLEL_WRITES = 16;

/** Does the work for each item, some at a time. Resolves to how many of them it was true of; rejects with the first failure. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<boolean>): Promise<number> {
  const queue = items.values();
  let count = 0;
  const workers = Array.from({ length: PARALLEL_WRITES }, async () => {
    for (const item of queue) if (await work(item)) count += 1;
  });
  await Promise.all(workers);
  return count;
}
