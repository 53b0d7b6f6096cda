/**
 * Names of smart hosts to addresses, as every other program of the machine finds them: hosts file, search list, and
 * whatever else the system is set up for. Nothing is kept, so that a moved smart host is followed at the next connection.
 *
 * The system's call cannot be broken off, and runs in threads that the whole process shares: the names of one tenant,
 * whose name servers never answer, must not hold up the names of all others. So one name is looked up once at a time,
 * and names that were slow the last time never have all places.
 */
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** Addresses of a name, in the order in which to try them; rejects where there are none, or with the signal's reason. */
export type Resolve = (name: string, signal: AbortSignal) => Promise<readonly string[]>;

export type SystemLookup = (
  name: string,
  options: { readonly all: true; readonly order: 'verbatim' },
) => Promise<readonly { readonly address: string }[]>;

/** libuv gives look-ups half of its threads, and everything on disk needs the others. */
const THREADS = Math.max(1, Number(process.env['UV_THREADPOOL_SIZE']) || 4);
const AT_ONCE = Math.floor((THREADS + 1) / 2);
/** A name server that answers does so much sooner. */
const SLOW_MS = 1000;
/** Names are forgotten from the oldest on: to be thought quick again costs others one wait. */
const SLOW_NAMES_MAX = 10_000;
/** More addresses than this are a mistake or a trick; each may cost a connection. */
const ADDRESSES_MAX = 16;

interface Search {
  readonly name: string;
  readonly found: Promise<readonly string[]>;
  readonly begin: () => Promise<void>;
  /** Who waits for it: where nobody does any more, it need not begin. */
  waiters: number;
}

export interface ResolverOptions {
  readonly lookup?: SystemLookup | undefined;
  readonly atOnce?: number;
  readonly now?: () => number;
}

export function createResolver(options: ResolverOptions = {}): Resolve {
  const { lookup = (name, how) => systemLookup(name, how), atOnce = AT_ONCE, now = () => performance.now() } = options;
  const searches = new Map<string, Search>();
  const running = new Set<Search>();
  const slow = new Set<string>();

  function begin(): void {
    for (const search of searches.values()) {
      if (running.size >= atOnce) return;
      if (running.has(search) || !hasPlace(search.name)) continue;
      running.add(search);
      void search.begin();
    }
  }

  function hasPlace(name: string): boolean {
    if (!slow.has(name)) return true;
    return [...running].filter((other) => slow.has(other.name)).length < Math.max(1, atOnce - 1);
  }

  function remember(name: string, ms: number): void {
    slow.delete(name);
    if (ms > SLOW_MS) slow.add(name);
    const [oldest] = slow;
    if (slow.size > SLOW_NAMES_MAX && oldest !== undefined) slow.delete(oldest);
  }

  function searchFor(name: string): Search {
    const { promise: found, resolve, reject } = Promise.withResolvers<readonly string[]>();
    // whoever waited may be gone by the time it fails
    found.catch(() => {});
    const search: Search = {
      name,
      found,
      waiters: 0,
      begin: async () => {
        const start = now();
        await lookup(name, { all: true, order: 'verbatim' }).then(
          (all) => resolve(all.slice(0, ADDRESSES_MAX).map(({ address }) => address)),
          reject,
        );
        remember(name, now() - start);
        running.delete(search);
        searches.delete(name);
        begin();
      },
    };
    return search;
  }

  return async (name, signal) => {
    if (isIP(name) !== 0) return [name];
    const search = searches.get(name) ?? searchFor(name);
    searches.set(name, search);
    search.waiters++;
    begin();
    try {
      return await unlessAborted(search.found, signal);
    } finally {
      search.waiters--;
      if (search.waiters === 0 && !running.has(search) && searches.get(name) === search) searches.delete(name);
    }
  };
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason as Error);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
