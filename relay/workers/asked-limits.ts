/** The limits of a worker: its parent counts for all workers, and the worker asks it. */
import type { Reply } from '../replies.ts';
import type { SharedLimits } from '../submission/limits.ts';
import type { LoginAttempt } from '../submission/login-limits.ts';
import { type Taken, ticketFor } from '../submission/rate-limits.ts';
import type { Counted, FromWorker, LimitQuestion, ToWorker, Uncounted } from './messages.ts';

export interface AskedLimits {
  readonly limits: SharedLimits;
  /** What the parent says about one of the questions. */
  readonly hear: (message: Extract<ToWorker, { kind: 'counted' | 'verify' }>) => void;
}

interface Asked {
  readonly resolve: (answer: Counted) => void;
  readonly isRight?: (() => Promise<boolean>) | undefined;
}

export function askLimits(send: (message: FromWorker) => void): AskedLimits {
  const asked = new Map<number, Asked>();
  let last = 0;

  /** Each kind of question has its kind of answer (answered-limits.ts). Without a parent there is none, and the process ends. */
  function ask<Answer extends Counted>(question: LimitQuestion, isRight?: () => Promise<boolean>): Promise<Answer> {
    return new Promise((resolve) => {
      const id = ++last;
      asked.set(id, { resolve: resolve as (answer: Counted) => void, isRight });
      send({ kind: 'count', id, question });
    });
  }

  async function verify(id: number): Promise<void> {
    const isRight =
      (await asked
        .get(id)
        ?.isRight?.()
        .catch(() => false)) === true;
    send({ kind: 'verified', id, isRight });
  }

  const uncount = (what: Uncounted) => send({ kind: 'uncount', what });
  return {
    limits: {
      connections: {
        open: (address, most) => ask<Reply | undefined>({ of: 'open', address, most }),
        close: (address) => uncount({ of: 'open', address }),
        enter: (user, allowed) => ask<boolean>({ of: 'enter', user, allowed }),
        leave: (user) => uncount({ of: 'enter', user }),
      },
      logins: {
        attempt: ({ user, address, settings: { failedLogins, lockoutSeconds }, relays }, isRight) => {
          const login = { user, address, settings: { failedLogins, lockoutSeconds }, relays };
          return ask<LoginAttempt | Reply>({ of: 'login', login }, isRight);
        },
      },
      rates: {
        spend: async (what, user, limits) => {
          const giveBack = (taken: Taken) => uncount({ of: 'spend', what, user, taken });
          // the parent need not hear of what nobody limits
          if (limits[what] === undefined) return ticketFor(undefined, giveBack);
          return ticketFor(await ask<Reply | Taken>({ of: 'spend', what, user, limits }), giveBack);
        },
      },
    },
    hear: (message) => {
      if (message.kind === 'verify') return void verify(message.id);
      asked.get(message.id)?.resolve(message.answer);
      asked.delete(message.id);
    },
  };
}
