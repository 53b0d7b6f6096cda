/**
 * Delivery: takes messages from the spool to the upstream that their list has now. A message that is due goes into the
 * lane of its upstream (lanes.ts); an attempt (attempt.ts) ends with a new due time, or with the end of the message.
 * One timer drives it all.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Allow, allowAll } from './allowance.ts';
import { ageLimitsOf, type Aging } from './age-limits.ts';
import { takeOverdue } from './overdue.ts';
import { createAttempts } from './attempt.ts';
import { createTasks } from './tasks.ts';
import type { DeliverySettings, RelayConfig } from '../config/config.ts';
import { deliverySettingsSchema } from '../config/config.ts';
import { createGoneLists } from './gone-lists.ts';
import { createLanes, type Lane, lookAtAllowance, mayBegin, waitingNamespaces } from './lanes.ts';
import type { Log } from '../observe/log.ts';
import type { AcceptedMessage, Content } from '../message.ts';
import type { Metrics } from '../observe/metrics.ts';
import { createPassThrough } from './pass-through.ts';
import { createPlaces } from './places.ts';
import { createResolver, type SystemLookup } from './resolve.ts';
import { createQueueControl, type QueueControl } from './queue-control.ts';
import type { Reply } from '../replies.ts';
import { createSigning } from '../dkim/sign-message.ts';
import { createSchedule } from './schedule.ts';
import { steadyNow } from '../steady-time.ts';
import type { Spool } from '../spool/spool.ts';
import type { Sender, SpoolEntry } from '../spool/entries.ts';
import { noSpans, type SpanSender } from '../tracing/span-sender.ts';
import type { KnownUpstreams } from '../observe/upstream-report.ts';
import { type UsageCounter, uncounted } from '../usage/counter.ts';

export interface Delivery {
  /** Looks at the configuration and at what is due now. */
  wake(): void;
  /** Delivers a message that was withheld. */
  readonly resume: (entry: SpoolEntry) => void;
  /** Hands a message over without the spool: the reply is a yes only after the upstream's yes for every recipient. */
  passThrough(message: AcceptedMessage, content: Content): Promise<Reply>;
  /** What is known of the upstreams, by list. */
  readonly upstreams: () => KnownUpstreams;
  /** For people who look after the queue; undefined where there is none. */
  readonly queue: QueueControl | undefined;
  /** Goes on until nothing more can go out now, `deadlineMs` at most, then closes. The rest stays in the spool. */
  drain(deadlineMs: number): Promise<void>;
  /** Breaks off what is under way. Resolves when nothing touches the spool any more. */
  close(): Promise<void>;
}

export interface DeliveryOptions {
  /** Absent: nothing is ever spooled (Passthrough only). */
  readonly spool?: Spool | undefined;
  readonly config: () => RelayConfig | undefined;
  /** Whether a message that lies in the spool is to be left alone until `resume`. Default: none is. */
  readonly isWithheld?: ((id: string) => boolean) | undefined;
  /** Folder of the capture upstream. */
  readonly captureFolder: string;
  readonly metrics: Metrics;
  /** Default: nobody counts. */
  readonly usage?: UsageCounter | undefined;
  /** Default: nobody wants any. */
  readonly spans?: SpanSender;
  readonly log: Log;
  /** In place of the system's. */
  readonly lookup?: SystemLookup | undefined;
  /** Default: steady time. */
  readonly now?: () => number;
  readonly random?: () => number;
  /** Processes that deliver beside each other, which share the messages that may be under way. Default: this one. */
  readonly sharers?: number;
  /** How many connections to smart hosts may be open. Default: as many as their owners allow, since nobody else has any. */
  readonly allow?: Allow;
}

/** Longest time without a look: a changed configuration, an idle connection and an overdue message are seen by then. */
const LOOK_MS = 1000;
/** Looking through all that waits for an upstream is for the rare: a notice, an expiry. */
const AGE_LOOK_MS = 30_000;
/**
 * Answers that may wait for the disk while connections go on with the next message. A crash sends these messages again,
 * so they are few; none at all would halve the throughput.
 */
const UNRECORDED_MAX = 128;
/** How often a shutdown asks whether there is still something to wait for. */
const DRAIN_LOOK_MS = 10;

export function startDelivery(options: DeliveryOptions): Delivery {
  const { spool, config, captureFolder, metrics, log, now = steadyNow, random = Math.random } = options;
  const { sharers = 1, allow = allowAll, usage = uncounted, spans = noSpans, isWithheld = () => false } = options;
  const defaults = deliverySettingsSchema.parse({});
  const settings = (): DeliverySettings => config()?.class.delivery ?? defaults;
  const hostname = () => config()?.class.hostname ?? 'localhost';
  const resolve = createResolver({ lookup: options.lookup });
  const onTrouble = (upstream: string, step: 1 | -1) => metrics.upstreamsUnreachable.step({ upstream }, step);
  const lanes = createLanes({
    hostname,
    settings,
    resolve,
    now,
    random,
    captureFolder,
    onTrouble,
    allow,
    onAllowance: wake,
  });
  const later = createSchedule<SpoolEntry>();
  const places = createPlaces();
  const goneLists = createGoneLists();
  const sign = createSigning({ config, metrics, log });
  const limitsOf = (mail: Aging) => ageLimitsOf(mail, { config: config(), goneLists, now: now() });
  const isEnding = () => isStopped;
  const attempts =
    spool &&
    createAttempts({ spool, sign, config, limitsOf, metrics, usage, spans, log, now, random, isStopped: isEnding });
  const tasks = createTasks({ log, now, keep: retryLater, onEnd });
  let routed: RelayConfig | undefined;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let isWoken = false;
  let nextAgeLook = now() + AGE_LOOK_MS;

  function look(): void {
    if (isStopped) return;
    const current = route();
    if (current !== undefined) {
      const time = now();
      for (let entry = later.shift(time); entry !== undefined; entry = later.shift(time)) enqueue(entry);
      serveOverdue(current, time);
      const all = lanes.inTurn();
      places.divide(waitingNamespaces(all, time), Math.max(1, Math.floor(settings().concurrency / sharers)));
      for (const lane of all) {
        lane.transport.sweep(time);
        serve(lane, time);
        lookAtAllowance(lane, time);
      }
    }
    arm();
  }

  function arm(): void {
    clearTimeout(timer);
    if (!isStopped) timer = setTimeout(look, Math.max(1, Math.min(LOOK_MS, (later.next() ?? Infinity) - now())));
  }

  /** Many events in one turn are one look. */
  function wake(): void {
    if (isWoken || isStopped) return;
    isWoken = true;
    setImmediate(() => {
      isWoken = false;
      look();
    });
  }

  function enqueue(entry: SpoolEntry): void {
    lanes.of(entry.list).waiting.push(entry.sender, entry);
  }

  /** Mail whose way has changed need not wait for its next retry: the change may be what mends it. */
  function route(): RelayConfig | undefined {
    const current = config();
    if (current === undefined || current === routed) return current;
    routed = current;
    goneLists.look((list) => current.lists.has(list), spool?.lists() ?? [], now());
    const moved = lanes.reroute(current);
    if (moved.size > 0) for (const entry of later.takeWhere(({ list }) => moved.has(list))) enqueue(entry);
    return current;
  }

  function onEnd(): void {
    if (tasks.size() - places.active() >= UNRECORDED_MAX - 1) wake();
  }

  function retryLater(entry: SpoolEntry): void {
    const next = later.next();
    later.add(entry);
    if (next === undefined || entry.due < next) arm();
  }

  function serve(lane: Lane, time: number): void {
    while (tasks.size() - places.active() < UNRECORDED_MAX && mayBegin(lane, time)) {
      // somebody holds a connection open for an answer: before what can wait
      const client = lane.clients.shift(places);
      if (client?.() === true) continue;
      const entry = client === undefined ? lane.waiting.shift(places) : undefined;
      if (entry !== undefined) begin(lane, entry);
      else if (client === undefined) return;
    }
  }

  function begin(lane: Lane, entry: SpoolEntry): void {
    const release = occupy(lane, entry.sender);
    // from the configuration that chose the lane: a newer one without the list has no guard, and mail must not get out that way
    const guard = routed?.lists.get(entry.list)?.recipients;
    const signal = goneLists.signalOf(entry.list);
    tasks.run(entry, async () => {
      try {
        return await attempts?.attempt(lane, entry, { guard, release, signal });
      } catch (error) {
        lane.breaker.abandoned();
        throw error;
      } finally {
        release();
      }
    });
  }

  /** Takes a place in the lane; the result gives it back, once. */
  function occupy(lane: Lane, sender: Sender): () => void {
    lane.active++;
    const leave = places.occupy(sender);
    lane.breaker.begin();
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      lane.active--;
      leave();
      lanes.ended(lane);
      wake();
    };
  }

  /** What an upstream that is down holds up would otherwise never hear of its age. */
  function serveOverdue(current: RelayConfig, time: number): void {
    if (time < nextAgeLook) return;
    const { overdue, isMore } = takeOverdue(lanes, { config: current, limitsOf, now: time });
    nextAgeLook = time + (isMore ? LOOK_MS : AGE_LOOK_MS);
    for (const { entry, reason } of overdue) tasks.run(entry, async () => attempts?.settleOverdue(entry.id, reason));
  }

  /** As the configuration in force has them. */
  function upstreams(): KnownUpstreams {
    route();
    return lanes.report();
  }

  async function close(): Promise<void> {
    isStopped = true;
    clearTimeout(timer);
    passThrough.close();
    lanes.close();
    await tasks.ended();
  }

  async function drain(deadlineMs: number): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    look();
    while (tasks.size() > 0 && performance.now() < deadline) {
      await sleep(Math.min(DRAIN_LOOK_MS, deadline - performance.now()));
      look();
    }
    await close();
  }

  /** What is held is in no queue. What has been tried already, by this process or another one, waits for its time. */
  function takeUp(entry: SpoolEntry, isDue = false): void {
    if (entry.isHeld || isWithheld(entry.id)) return;
    if (!isDue) return retryLater(soonEnough(entry, now(), settings()));
    enqueue(entry);
    wake();
  }

  const isLocked = (id: string): boolean => isStopped || isWithheld(id);
  spool?.onPut(takeUp);
  for (const entry of spool?.entries() ?? []) takeUp(entry);
  const queue = spool && createQueueControl({ spool, lanes, later, tasks, keep: retryLater, now, isLocked });
  wake();
  const passThrough = createPassThrough({
    lanes,
    route,
    occupy,
    signalOf: (list) => goneLists.signalOf(list),
    wake,
    sign,
    now,
    isStopped: isEnding,
    spool,
    log,
    metrics,
    usage,
    spans,
  });
  return { wake, resume: takeUp, passThrough: passThrough.passThrough, upstreams, queue, drain, close };
}

/** What an earlier process wrote down by a clock that was ahead is not to wait until then. */
function soonEnough(entry: SpoolEntry, now: number, { retryMostSeconds }: DeliverySettings): SpoolEntry {
  const latest = now + retryMostSeconds * 1000;
  return entry.due > latest ? entry.dueAt(latest) : entry;
}
