/**
 * Makes the look-ups that the plan asks for, each when it is due. Namespaces take turns and only so many look-ups are under
 * way at once, so that a thousand new domains stampede neither the resolvers nor each other.
 */
import { createFairQueue } from '../../relay/delivery/fair-queue.ts';
import { createAlarms } from '../core/alarms.ts';
import type { DnsEvidence, Lookup } from '../core/model.ts';
import { formatTime } from '../core/time.ts';
import { afterLookup } from './evidence.ts';
import type { Observation, Question } from './look-up.ts';

export interface Prober {
  /** What the latest plan asks for about a VerifiedSender (`NAMESPACE/NAME`); undefined: nothing any more. */
  readonly set: (sender: string, lookup: Lookup | undefined) => void;
  /** Whether no look-up is due or under way. */
  readonly isIdle: () => boolean;
  /** Starts no more look-ups; what those under way find is dropped. */
  readonly close: () => void;
}

export interface ProberOptions {
  readonly lookUp: (question: Question) => Promise<Observation>;
  readonly evidenceOf: (sender: string) => DnsEvidence | undefined;
  /** Keeps the evidence, then hands it to the planner. Where it rejects, the look-up is made again in a while. */
  readonly onEvidence: (sender: string, evidence: DnsEvidence) => Promise<void>;
  readonly onTrouble: (message: string) => void;
  readonly now?: () => Date;
  /** Look-ups under way at once. */
  readonly atOnce?: number;
  /** Shortest time between two look-ups for one sender, however often somebody touches it; milliseconds. */
  readonly shortestMs?: number;
}

const AT_ONCE = 16;
const SHORTEST_MS = 5000;
/** Where what was found could not be kept. */
const RETRY_MS = 30_000;
/** Longer timers overflow in Node and fire at once. */
const LONGEST_TIMER_MS = 86_400_000;

export function createProber(options: ProberOptions): Prober {
  const { now = () => new Date(), atOnce = AT_ONCE, shortestMs = SHORTEST_MS } = options;
  const wanted = new Map<string, Lookup>();
  /** Senders whose look-up is to come. */
  const alarms = createAlarms();
  /** Those that are due, and those under way besides. */
  const turns = createFairQueue<string>();
  const busy = new Set<string>();
  let underWay = 0;
  /** The soonest that each may be asked again; milliseconds since 1970. */
  const notBefore = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  function set(sender: string, lookup: Lookup | undefined): void {
    if (lookup === undefined) wanted.delete(sender);
    else wanted.set(sender, lookup);
    if (busy.has(sender)) return;
    alarms.set(sender, dueTime(sender));
    sleep();
  }

  function dueTime(sender: string): Date | undefined {
    const lookup = wanted.get(sender);
    if (lookup === undefined) return undefined;
    return new Date(Math.max(Date.parse(lookup.due), notBefore.get(sender) ?? 0));
  }

  function sleep(): void {
    clearTimeout(timer);
    const next = alarms.next();
    if (isClosed || next === undefined) return;
    const wait = next.getTime() - now().getTime();
    timer = setTimeout(wake, Math.min(Math.max(wait, 0), LONGEST_TIMER_MS));
  }

  function wake(): void {
    for (const sender of alarms.take(now())) {
      busy.add(sender);
      turns.push(sender.slice(0, sender.indexOf('/')), sender);
    }
    startSome();
    sleep();
  }

  function startSome(): void {
    if (isClosed) return;
    while (underWay < atOnce) {
      const sender = turns.shift();
      if (sender === undefined) return;
      underWay++;
      void ask(sender);
    }
  }

  async function ask(sender: string): Promise<void> {
    const lookup = wanted.get(sender);
    let pauseMs = shortestMs;
    try {
      if (lookup !== undefined) await lookUpOne(sender, lookup);
    } catch (error) {
      pauseMs = RETRY_MS;
      options.onTrouble(`VerifiedSender ${sender}: what the DNS said could not be kept: ${String(error)}`);
    }
    notBefore.set(sender, now().getTime() + pauseMs);
    forgetPast();
    underWay--;
    busy.delete(sender);
    alarms.set(sender, dueTime(sender));
    startSome();
    sleep();
  }

  async function lookUpOne(sender: string, lookup: Lookup): Promise<void> {
    const observation = await options.lookUp(lookup);
    if (isClosed) return;
    const findings = { ...observation, time: formatTime(now()), jitter: Math.random() };
    await options.onEvidence(sender, afterLookup(options.evidenceOf(sender), lookup, findings));
  }

  /** Those of senders that are gone stay for a while: one that is made anew again and again gains nothing by it. */
  function forgetPast(): void {
    if (notBefore.size <= 2 * wanted.size + 1000) return;
    for (const [sender, time] of notBefore) if (time <= now().getTime()) notBefore.delete(sender);
  }

  return {
    set,
    isIdle: () => busy.size === 0,
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
