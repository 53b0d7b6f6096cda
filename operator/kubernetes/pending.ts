import { messageOf } from '../errors.ts';

/** Work in the background, and a way to wait for it. */
export interface Pending {
  readonly add: (work: Promise<void>) => void;
  readonly isIdle: () => boolean;
  /** Resolves when what is pending now has ended. */
  readonly settled: () => Promise<void>;
}

export function createPending(onTrouble: (message: string) => void): Pending {
  const pending = new Set<Promise<void>>();
  return {
    add: (work) => {
      const guarded = work
        .catch((error: unknown) => onTrouble(messageOf(error)))
        .finally(() => void pending.delete(guarded));
      pending.add(guarded);
    },
    isIdle: () => pending.size === 0,
    settled: async () => {
      await Promise.all(pending);
    },
  };
}
