/**
 * The parent's part in the limits of its workers: it counts for them, and takes back what a worker held when that one
 * ends.
 */
import type { createSharedLimits } from '../submission/limits.ts';
import type { Counted, FromWorker, LimitQuestion, ToWorker, Uncounted } from './messages.ts';

export interface Account {
  readonly hear: (message: Extract<FromWorker, { kind: 'count' | 'verified' | 'uncount' }>) => void;
  /** The worker is gone, and with it its connections. */
  readonly close: () => void;
}

/** One worker's questions about limits that are the same for all. */
export function answerLimits(
  limits: ReturnType<typeof createSharedLimits>,
  send: (message: ToWorker) => void,
): Account {
  const { connections, logins, rates } = limits;
  const sources = createHeld((address) => connections.close(address));
  const users = createHeld((user) => connections.leave(user));
  /** Log-ins whose password the worker looks at. */
  const verifying = new Map<number, (isRight: boolean) => void>();

  async function count(id: number, question: LimitQuestion): Promise<Counted> {
    switch (question.of) {
      case 'open': {
        const objection = connections.open(question.address, question.most);
        if (objection === undefined) sources.take(question.address);
        return objection;
      }
      case 'enter': {
        const isIn = await connections.enter(question.user, question.allowed);
        if (isIn) users.take(question.user);
        return isIn;
      }
      case 'spend':
        return rates.count(question.what, question.user, question.limits);
      case 'login':
        return logins.attempt(question.login, () => verify(id));
    }
  }

  function verify(id: number): Promise<boolean> {
    return new Promise((resolve) => {
      verifying.set(id, resolve);
      send({ kind: 'verify', id });
    });
  }

  function uncount(what: Uncounted): void {
    if (what.of === 'open') sources.giveBack(what.address);
    else if (what.of === 'enter') users.giveBack(what.user);
    else rates.giveBack(what.what, what.user, what.taken);
  }

  return {
    hear: (message) => {
      if (message.kind === 'uncount') uncount(message.what);
      else if (message.kind === 'count') {
        const { id, question } = message;
        void count(id, question).then((answer) => send({ kind: 'counted', id, answer }));
      } else {
        verifying.get(message.id)?.(message.isRight);
        verifying.delete(message.id);
      }
    },
    close: () => {
      sources.close();
      users.close();
      // nobody knows whether it was right: as a wrong one, it frees whoever waits for this turn, and no guess is for nothing
      for (const resolve of verifying.values()) resolve(false);
      verifying.clear();
    },
  };
}

/** How often one worker holds what. */
function createHeld(giveBack: (key: string) => void) {
  const counts = new Map<string, number>();
  let isClosed = false;
  return {
    take: (key: string): void => {
      // it ended while somebody else was asked
      if (isClosed) giveBack(key);
      else counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    giveBack: (key: string): void => {
      const count = counts.get(key) ?? 0;
      if (count === 0) return;
      if (count === 1) counts.delete(key);
      else counts.set(key, count - 1);
      giveBack(key);
    },
    close: (): void => {
      isClosed = true;
      for (const [key, count] of counts) for (let i = 0; i < count; i++) giveBack(key);
      counts.clear();
    },
  };
}
