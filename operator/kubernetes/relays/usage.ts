/** Asks relay pods every minute what they have counted for lists and users. */
import { createUsageFacts, type UsageFacts } from '../../relays/usage-facts.ts';
import type { Caches } from '../cache/caches.ts';
import { askUsage, type TokenOf } from './pod-answers.ts';
import type { RelayPods } from './relay-pods.ts';

export interface UsagePoll extends Pick<UsageFacts, 'of' | 'close'> {
  /** Asks from now on. */
  readonly start: () => void;
}

export interface UsagePollOptions {
  readonly pods: RelayPods;
  readonly tokenOf: TokenOf;
  readonly objects: Caches['objects'];
  readonly onChange: (objects: readonly string[]) => void;
  /** How often they are asked; milliseconds. */
  readonly ask?: number;
  /** How long a fact stays as it is, at least; milliseconds. */
  readonly hold?: number;
}

const ASK_MS = 60_000;

export function startUsagePoll({ pods, tokenOf, objects, onChange, ask = ASK_MS, hold }: UsagePollOptions): UsagePoll {
  const facts = createUsageFacts({ objects: keys, onChange, holdMs: hold });
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  function* keys(): Generator<string> {
    for (const kind of ['SmtpPlusList', 'SmtpPlusUser'] as const) {
      for (const key of objects[kind].keys()) yield `${kind} ${key}`;
    }
  }

  async function gather(): Promise<void> {
    const all = [...pods.classNames()].flatMap(pods.ofClass);
    const answers = await askUsage(all, tokenOf);
    if (isClosed) return;
    facts.take(answers);
    timer = setTimeout(() => void gather(), ask);
  }

  return {
    of: facts.of,
    start: () => void gather(),
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      facts.close();
    },
  };
}
