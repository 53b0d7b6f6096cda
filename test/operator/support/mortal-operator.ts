/** An operator that is killed after so many writes, and replaced by another one, which is killed in its turn. */
import type { TestContext } from 'node:test';
import type { ClientOptions } from '../../../operator/kubernetes/client/client.ts';
import type { TestOperator } from './operator.ts';

export interface MortalOperators {
  /** How many were killed so far. */
  readonly deaths: () => number;
}

/** For a process that has all the time it needs. */
const LONG_MS = 60_000;

/**
 * @param lifetimes writes of each; after the last one of them comes one that lives on
 * @param start an operator with these options for its client
 * @param onDeath before the next one starts
 */
export function startMortalOperators(
  t: TestContext,
  {
    lifetimes,
    start,
    onDeath = () => undefined,
  }: {
    readonly lifetimes: readonly number[];
    readonly start: (options: ClientOptions) => Promise<TestOperator>;
    readonly onDeath?: () => void;
  },
): MortalOperators {
  const over = Promise.withResolvers<void>();
  let isOver = false;
  let deaths = 0;

  async function live(writes: number): Promise<void> {
    let left = writes;
    const died = Promise.withResolvers<void>();
    const operator = await start({
      // what is not sent any more is what a process that is gone does not send
      writableMs: () => (left > 0 ? LONG_MS : 0),
      onRequest: ({ method }) => {
        if (method === 'GET') return;
        left -= 1;
        if (left <= 0) died.resolve();
      },
    });
    const isKilled = await Promise.race([died.promise.then(() => true), over.promise.then(() => false)]);
    await operator.close();
    if (!isKilled) return;
    deaths += 1;
    onDeath();
  }

  const lives = (async () => {
    for (const writes of [...lifetimes, Infinity]) if (!isOver) await live(writes);
  })();
  t.after(async () => {
    isOver = true;
    over.resolve();
    await lives;
  });
  return { deaths: () => deaths };
}
