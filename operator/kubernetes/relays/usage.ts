/** Asks relay pods every minute what they have counted for lists and users. */
import { createUsageFacts, type UsageFacts } from '../../relays/usage-facts.ts';
import { askUsage, type TokenOf } from './pod-answers.ts';
import type { RelayPods } from './relay-pods.ts';
import type { Served } from './served.ts';

export interface UsagePoll extends Pick<UsageFacts, 'of' | 'close'> {
  /** Asks from now on. */
  readonly start: () => void;
}

export interface UsagePollOptions {
  readonly pods: RelayPods;
  readonly tokenOf: TokenOf;
  readonly served: Served;
  readonly onChange: (objects: readonly string[]) => void;
  /** How often they are asked; milliseconds. */
  readonly ask?: number;
  /** How long a fact stays as it is, at least; milliseconds. */
  readonly hold?: number;
}

const ASK_MS = 60_000;

export function startUsagePoll({ pods, tokenOf, served, onChange, ask = ASK_MS, hold }: UsagePollOptions): UsagePoll {
  const facts = createUsageFacts({ objects: served.objects, onChange, holdMs: hold });
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function gather(): Promise<void> {
    const all = [...pods.classNames()].flatMap(pods.ofClass);
    const answers = await askUsage(all, tokenOf);
    if (isClosed) return;
    served.look();
    const classOf = new Map(all.map(({ name, className }) => [name, className]));
    facts.take(
      new Map([...answers].map(([name, report]) => [name, report && served.within(classOf.get(name) ?? '', report)])),
    );
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
