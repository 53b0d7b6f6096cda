/**
 * Which message goes next. Each upstream has a lane: its own queue (fair between lists), its own circuit breaker, its
 * own limit on connections. A list belongs to the lane of the upstream that the configuration in force gives it, so that
 * a changed list takes its waiting mail along.
 */
import { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.ts';
import type { RelayConfig, UpstreamConfig } from '../config.ts';
import { createFairQueue, type FairQueue } from './fair-queue.ts';
import { createTransport, type TransportOptions } from './routes.ts';
import type { SpoolEntry } from '../spool/entries.ts';
import type { Transport } from './transport.ts';
import { createUpstreamHealth, type UpstreamHealth } from './upstream-health.ts';
import { REPORTED_LISTS_MAX, type UpstreamReport } from '../upstream-report.ts';

export interface Lane {
  readonly transport: Transport;
  readonly breaker: CircuitBreaker;
  readonly health: UpstreamHealth;
  readonly waiting: FairQueue<SpoolEntry>;
  /** Clients of the passthrough that wait for a place; one that gave up meanwhile says no to it. */
  readonly callers: FairQueue<() => boolean>;
  /** Transactions under way. */
  active: number;
}

export interface Lanes {
  of(list: string): Lane;
  /** Each time beginning with another one, so that none is always the first to find a free place. */
  inTurn(): readonly Lane[];
  /** Puts waiting entries where the configuration in force wants them. Returns whether a list leads elsewhere now. */
  reroute(config: RelayConfig): (list: string) => boolean;
  /** What is known of the upstreams that lists lead to now. */
  readonly report: () => UpstreamReport;
  /** Called when a transaction of the lane ended: closes it where no list leads there any more. */
  ended(lane: Lane): void;
  close(): void;
}

interface LanesOptions extends TransportOptions {
  readonly random: () => number;
  /** How many upstreams of this name are in trouble has changed. */
  readonly onTrouble: (label: string, step: 1 | -1) => void;
}

export function createLanes(options: LanesOptions): Lanes {
  const lanes = new Map<string, Lane>();
  /** No list leads there any more, but transactions are under way. */
  const retired = new Set<Lane>();
  let turn = 0;
  let keys = new Map<string, string>();
  let config: RelayConfig | undefined;

  function of(list: string): Lane {
    const upstream = upstreamOf(list, config);
    const key = keys.get(list) ?? JSON.stringify(upstream);
    keys.set(list, key);
    const lane = lanes.get(key) ?? createLane(upstream, options);
    lanes.set(key, lane);
    lane.health.awaits(list);
    return lane;
  }

  function reroute(next: RelayConfig): (list: string) => boolean {
    const before = keys;
    config = next;
    keys = new Map();
    const moved = (list: string) => {
      of(list);
      return before.has(list) && before.get(list) !== keys.get(list);
    };
    const existing = [...lanes.values()];
    for (const lane of existing) {
      for (const entry of lane.waiting.take(({ list }) => moved(list))) of(entry.list).waiting.push(entry.list, entry);
    }
    retire(new Set([...before.keys(), ...next.lists.keys()].map((list) => JSON.stringify(upstreamOf(list, next)))));
    return moved;
  }

  function retire(used: ReadonlySet<string>): void {
    for (const [key, lane] of lanes) {
      // callers hold on to their lane; it goes with the next change
      if (used.has(key) || lane.callers.size() > 0) continue;
      lanes.delete(key);
      lane.health.close();
      retired.add(lane);
      ended(lane);
    }
  }

  function ended(lane: Lane): void {
    if (lane.active > 0 || !retired.delete(lane)) return;
    lane.transport.close();
  }

  return {
    of,
    inTurn: () => {
      const all = [...lanes.values()];
      const first = turn++ % Math.max(1, all.length);
      return [...all.slice(first), ...all.slice(0, first)];
    },
    reroute,
    report: () => {
      const leadsTo = (list: string, key: string) =>
        (keys.get(list) ?? JSON.stringify(upstreamOf(list, config))) === key;
      return reportOf(lanes, { leadsTo, now: options.now() });
    },
    ended,
    close: () => {
      for (const lane of [...lanes.values(), ...retired]) lane.transport.close();
    },
  };
}

/** What fails is named first. In a fixed order, so that what has not changed is the same text. */
function reportOf(
  lanes: ReadonlyMap<string, Lane>,
  { leadsTo, now }: { leadsTo: (list: string, key: string) => boolean; now: number },
): UpstreamReport {
  const found = [...lanes].map(([key, { health, waiting, callers }]) => {
    const trouble = health.trouble(now);
    const waitingLists = trouble === undefined ? [] : [...waiting.lists(), ...callers.lists()];
    const lists = new Set([...health.lists(), ...waitingLists]);
    return { trouble, lists: [...lists].filter((list) => leadsTo(list, key)).sort() };
  });
  const ordered = found.sort((a, b) => Number(a.trouble === undefined) - Number(b.trouble === undefined));
  let left = REPORTED_LISTS_MAX;
  const upstreams = ordered.map(({ trouble, lists }) => {
    const named = lists.slice(0, left);
    left -= named.length;
    return trouble === undefined ? { lists: named } : { lists: named, trouble };
  });
  return { upstreams: upstreams.filter(({ lists }) => lists.length > 0) };
}

function createLane(upstream: UpstreamConfig, options: LanesOptions): Lane {
  const settings = () => {
    const { retryFirstSeconds, retryMostSeconds } = options.settings();
    return {
      firstSeconds: Math.min(PROBE_FIRST_SECONDS, retryFirstSeconds),
      mostSeconds: Math.min(PROBE_MOST_SECONDS, retryMostSeconds),
    };
  };
  const transport = createTransport(upstream, options);
  return {
    transport,
    breaker: createCircuitBreaker({ settings, random: options.random }),
    health: createUpstreamHealth({
      upstream,
      settings: options.settings,
      onTrouble: (step) => options.onTrouble(transport.label, step),
    }),
    waiting: createFairQueue(),
    callers: createFairQueue(),
    active: 0,
  };
}

/** A probe is one connection, and all mail of the upstream waits for it: asked more often than a message is retried. */
const PROBE_FIRST_SECONDS = 10;
const PROBE_MOST_SECONDS = 300;

function upstreamOf(list: string, config: RelayConfig | undefined): UpstreamConfig {
  return (
    config?.lists.get(list)?.upstream ?? { kind: 'unresolved', message: `list ${list} is not in the configuration` }
  );
}

/**
 * Whether a lane may begin one more transaction. The more of all places are taken, the fewer one lane may hold: upstreams
 * that hang can slow the others down. When none is left, a lane that holds none still gets one, so that hanging upstreams
 * never keep out one that is well.
 */
export function mayBegin(
  lane: Lane,
  { now, active, concurrency }: { now: number; active: number; concurrency: number },
): boolean {
  const isAmongFirst = lane.active === 0 && active < concurrency * OVERSHOOT;
  const hasPlace = isAmongFirst || lane.active < concurrency - active;
  return hasPlace && lane.active < lane.transport.limit() && lane.breaker.allows(now);
}

/** The first transactions of lanes may exceed what is set to this many times of it. */
const OVERSHOOT = 2;
