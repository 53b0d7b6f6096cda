/**
 * Which message goes next. Each upstream has a lane: its own queue (fair between namespaces and users), its own circuit
 * breaker, its own limit on connections. A list uses the lane of the upstream that the configuration in force gives it,
 * so that a changed list takes its waiting mail along.
 */
import type { Allow, Allowance } from './allowance.ts';
import { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.ts';
import type { RelayConfig, UpstreamConfig } from '../config/config.ts';
import { createTransport, type TransportOptions } from './create-transport.ts';
import { createSenderQueue, type SenderQueue } from './sender-queue.ts';
import type { SpoolEntry } from '../spool/entries.ts';
import type { Transport } from './transport.ts';
import { createUpstreamHealth, type UpstreamHealth } from './upstream-health.ts';
import { REPORTED_LISTS_MAX, type KnownUpstreams } from '../observe/upstream-report.ts';

export interface Lane {
  readonly transport: Transport;
  readonly allowance: Allowance;
  readonly breaker: CircuitBreaker;
  readonly health: UpstreamHealth;
  readonly waiting: SenderQueue<SpoolEntry>;
  /** Clients of the passthrough that wait for a place; one that gave up meanwhile says no to it. */
  readonly clients: SenderQueue<() => boolean>;
  /** Transactions under way. */
  active: number;
}

export interface Lanes {
  of(list: string): Lane;
  /** Each time beginning with another one, so that none is always the first to find a free place. */
  inTurn(): readonly Lane[];
  /** Puts waiting entries where the configuration in force wants them. Returns the lists that lead elsewhere now. */
  reroute(config: RelayConfig): ReadonlySet<string>;
  /** What is known of the upstreams that lists lead to now. */
  readonly report: () => KnownUpstreams;
  /** Called when a transaction of the lane ended: closes it where no list leads there any more. */
  ended(lane: Lane): void;
  close(): void;
}

interface LanesOptions extends TransportOptions {
  readonly random: () => number;
  readonly allow: Allow;
  /** Some lane may begin more transactions now, or fewer. */
  readonly onAllowance: () => void;
  /** How many upstreams of this name are in trouble has changed. */
  readonly onTrouble: (label: string, step: 1 | -1) => void;
}

export function createLanes(options: LanesOptions): Lanes {
  const lanes = new Map<string, Lane>();
  /** No list leads there any more, but transactions are under way. */
  const retired = new Set<Lane>();
  let turn = 0;
  const keys = new Map<string, string>();
  let config: RelayConfig | undefined;

  function of(list: string): Lane {
    const upstream = upstreamOf(list, config);
    const key = keys.get(list) ?? keyOf(upstream);
    keys.set(list, key);
    const lane = lanes.get(key) ?? createLane(key, upstream, options);
    lanes.set(key, lane);
    lane.health.awaits(list);
    return lane;
  }

  function reroute(next: RelayConfig): ReadonlySet<string> {
    config = next;
    const moved = new Set(
      [...keys].filter(([list, key]) => keyOf(upstreamOf(list, next)) !== key).map(([list]) => list),
    );
    for (const list of moved) keys.delete(list);
    // most changes move nothing, and what waits may be long
    const existing = moved.size > 0 ? [...lanes.values()] : [];
    for (const lane of existing) move(lane, moved);
    retire(new Set([...keys.values(), ...[...next.lists.values()].map(({ upstream }) => keyOf(upstream))]));
    return moved;
  }

  function move({ waiting }: Lane, moved: ReadonlySet<string>): void {
    if (![...waiting.lists()].some((list) => moved.has(list))) return;
    for (const entry of waiting.takeWhere(({ list }) => moved.has(list)))
      of(entry.list).waiting.push(entry.sender, entry);
  }

  function retire(used: ReadonlySet<string>): void {
    for (const [key, lane] of lanes) {
      // clients hold on to their lane; it goes with the next change
      if (used.has(key) || lane.clients.size() > 0) continue;
      lanes.delete(key);
      lane.health.close();
      retired.add(lane);
      ended(lane);
    }
  }

  function ended(lane: Lane): void {
    if (lane.active > 0 || !retired.delete(lane)) return;
    lane.transport.close();
    lane.allowance.close();
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
      const leadsTo = (list: string, key: string) => (keys.get(list) ?? keyOf(upstreamOf(list, config))) === key;
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
): KnownUpstreams {
  const found = [...lanes].map(([key, { health, waiting, clients }]) => {
    const trouble = health.trouble(now);
    const waitingLists = trouble === undefined ? [] : [...waiting.lists(), ...clients.lists()];
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
  return upstreams.filter(({ lists }) => lists.length > 0);
}

function createLane(key: string, upstream: UpstreamConfig, options: LanesOptions): Lane {
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
    allowance: options.allow(key, transport, options.onAllowance),
    breaker: createCircuitBreaker({ settings, random: options.random }),
    health: createUpstreamHealth({
      upstream,
      settings: options.settings,
      onTrouble: (step) => options.onTrouble(transport.label, step),
    }),
    waiting: createSenderQueue(),
    clients: createSenderQueue(),
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

/** The same for upstreams with the same settings. Configurations are replaced as a whole, and never modified. */
const upstreamKeys = new WeakMap<UpstreamConfig, string>();

function keyOf(upstream: UpstreamConfig): string {
  const key = upstreamKeys.get(upstream) ?? JSON.stringify(upstream);
  upstreamKeys.set(upstream, key);
  return key;
}

/** Whether a lane may begin one more transaction, if there is a place for it. */
export function mayBegin(lane: Lane, now: number): boolean {
  return lane.active < lane.allowance.most() && lane.breaker.allows(now);
}

/** Has the number of its connections follow the mail that waits. */
export function lookAtAllowance({ allowance, active, waiting, clients, breaker }: Lane, now: number): void {
  allowance.look({ active, waiting: () => (breaker.allows(now) ? waiting.size() + clients.size() : 0) }, now);
}

/** Those with mail that a place would help: not what waits for an upstream that is down, or has all it takes at once. */
export function* waitingNamespaces(lanes: readonly Lane[], now: number): Generator<string> {
  for (const lane of lanes) {
    if (!mayBegin(lane, now)) continue;
    yield* lane.clients.namespaces();
    yield* lane.waiting.namespaces();
  }
}
