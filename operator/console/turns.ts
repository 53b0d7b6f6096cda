/**
 * Bounds work: some is done at a time, some more waits for its turn, and whatever comes beyond that is refused at once.
 */

/** Too many wait already; whoever asks may come again. */
export class NoTurnError extends Error {}

export interface Turns {
  /** Rejects with a NoTurnError where too many wait. */
  readonly take: <T>(work: () => Promise<T>) => Promise<T>;
}

export function createTurns({ atOnce, waitingMax }: { readonly atOnce: number; readonly waitingMax: number }): Turns {
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    take: async (work) => {
      if (running < atOnce) running += 1;
      else if (waiting.length >= waitingMax) throw new NoTurnError('too many wait for their turn');
      // whoever ends hands its place on, so that nobody who comes in between takes it
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}
