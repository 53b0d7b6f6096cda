import { setTimeout as sleep } from 'node:timers/promises';

/** Asks until the answer is there; fails with the last error after `ms`, which is only as long as no test should take. */
export async function until<T>(question: () => Promise<T | undefined> | T | undefined, ms = 60_000): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    try {
      const answer = await question();
      if (answer !== undefined && answer !== false) return answer;
      if (performance.now() > deadline) throw new Error(`not so within ${ms} ms: ${question.toString()}`);
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(20);
  }
}
