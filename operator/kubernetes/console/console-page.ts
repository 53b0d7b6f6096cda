/**
 * The console of the operator: for people whom the API server or a proxy knows, each of whom sees what they may see.
 */
import type { PageAnswer, PageRequest, PagesForPeople } from '../../../relay/observe/http.ts';
import { VERSION } from '../../../relay/version.ts';
import { plainText } from '../../console/answers.ts';
import { createConsolePages } from '../../console/console.ts';
import { messageOf } from '../../errors.ts';
import { createRequestLimit, type RequestLimit } from '../../page/request-limit.ts';
import type { Settings } from '../../settings/settings.ts';
import type { KubeClient } from '../client/client.ts';
import type { ConsoleAnswer } from '../relays/pod-answers.ts';
import { createAccess } from './access.ts';
import { createClusterFacts } from './facts.ts';
import { createIdentify, type Identity } from './identity.ts';
import { createMemo } from './memo.ts';
import { createRelayAnswers } from './relay-answers.ts';
import { createTurns, NoTurnError, type Turns } from '../../console/turns.ts';

export interface ConsoleOnClusterOptions {
  /** One of its own: what people ask must not hold up the operator's work, nor its lease. */
  readonly client: KubeClient;
  readonly namespace: string;
  /** Those in force. */
  readonly settings: () => Settings;
  readonly namespacesInUse: () => Iterable<string>;
  /** What each relay says of itself. */
  readonly askRelays: () => Promise<readonly ConsoleAnswer[]>;
  readonly onTrouble: (message: string) => void;
  /** Milliseconds, by which requests are limited; default: since this process began. */
  readonly now?: (() => number) | undefined;
}

/** For one person: a page is read anew every three seconds while it is open, and costs several requests to the API server. */
const PAGES_PER_SECOND = 5;
const PAGES_AT_ONCE = 50;
const REMEMBERED_MS = 60_000;
/**
 * For one person: what a view asks of the API server goes ahead of what others ask, so views come one after the other.
 * A few open tabs may wait.
 */
const VIEWS_AT_ONCE = 1;
const VIEWS_WAITING = 5;

const WHO_ARE_YOU =
  'Who are you? Come by the authenticating proxy of this installation, or send a token that the API server knows: `Authorization: Bearer TOKEN`, with the output of `kubectl create token NAME -n NAMESPACE`.';

const BUSY = 'There are too many requests at the moment.';

/** What bounds one person. */
interface Bounds {
  readonly requests: RequestLimit;
  readonly turns: Turns;
}

export function consoleOnCluster(options: ConsoleOnClusterOptions): PagesForPeople {
  const { client, settings, onTrouble, now } = options;
  const identify = createIdentify(client, () => settings().console, now);
  const factsFor = createClusterFacts({
    ...options,
    access: createAccess(client),
    relays: createRelayAnswers(options.askRelays),
  });
  const bounds = createMemo<Bounds>({ forMs: REMEMBERED_MS });
  /** Known since the request was admitted. */
  const viewers = new WeakMap<PageRequest, Identity>();

  const boundsOf = ({ username }: Identity): Promise<Bounds> =>
    bounds.get(username, async () => ({
      requests: createRequestLimit({ perSecond: PAGES_PER_SECOND, most: PAGES_AT_ONCE, now }),
      turns: createTurns({ atOnce: VIEWS_AT_ONCE, waitingMax: VIEWS_WAITING }),
    }));

  async function admit(request: PageRequest): Promise<PageAnswer | undefined> {
    const who = await identify(request);
    if (who === 'Unknown') return plainText(401, WHO_ARE_YOU, { 'www-authenticate': 'Bearer realm="smtp-plus"' });
    if (who === 'Busy' || !(await boundsOf(who)).requests.take()) return plainText(429, BUSY, { 'retry-after': '10' });
    viewers.set(request, who);
    return undefined;
  }

  const pages = createConsolePages({
    admit,
    factsFor: async (request, asked) => {
      const who = viewers.get(request);
      if (who === undefined) throw new Error('nobody was admitted');
      const { turns } = await boundsOf(who);
      const facts = await turns.take(() => factsFor(who, asked));
      return { ...facts, version: VERSION, viewer: who.username, showsMail: false };
    },
  });

  return async (request) => {
    try {
      return await pages(request);
    } catch (error) {
      if (error instanceof NoTurnError) return plainText(429, BUSY, { 'retry-after': '10' });
      onTrouble(`a page of the console could not be made: ${messageOf(error)}`);
      return plainText(503, 'The page cannot be shown at the moment; the log of the operator has the reason.');
    }
  };
}
