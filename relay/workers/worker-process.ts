/** One worker's process as its parent sees it: what it is told and asked, what it reports, and its end. */
import { type ChildProcess, fork } from 'node:child_process';
import { getHeapStatistics } from 'node:v8';
import type { Log } from '../observe/log.ts';
import type { Listening } from '../submission/listen.ts';
import type { createSharedLimits } from '../submission/limits.ts';
import type { Usage } from '../usage/usage.ts';
import type { WorkerState } from './worker-state.ts';
import { answerLimits } from './answered-limits.ts';
import { passLines } from './lines.ts';
import type { Holder, HostPlaces } from './host-places.ts';
import type { FromWorker, SystemError, ToWorker, WhereToListen, WorkerStart } from './messages.ts';
import type { WorkerMetrics } from './metrics.ts';

export interface WorkerProcess {
  readonly pid: number | undefined;
  /** Its spool is open. Rejects where it ends before. */
  readonly opened: Promise<void>;
  /** It takes mail. Rejects where it ends before. */
  readonly listen: (where: WhereToListen) => Promise<Omit<Listening, 'close'>>;
  /** What it said last; undefined before it is open, and after its end. */
  readonly state: () => WorkerState | undefined;
  /** Messages that it has left in its spool; undefined until it has ended in good order. */
  readonly left: () => number | undefined;
  /** What it counts; where it does not say in time, what it said last. */
  readonly metrics: () => Promise<WorkerMetrics>;
  readonly lastMetrics: () => WorkerMetrics;
  /** Resolves when it runs what the configuration folder holds now, or has ended. */
  readonly reload: () => Promise<void>;
  readonly tell: (message: Extract<ToWorker, { kind: 'certificates' | 'paused' | 'stop' }>) => void;
  readonly kill: () => void;
  readonly ended: Promise<WorkerEnd>;
}

export interface WorkerEnd {
  /** It was there to deliver what is left, and nothing is. */
  readonly isDrained: boolean;
  /** Why: for people. */
  readonly why: string;
}

interface Surroundings {
  readonly limits: ReturnType<typeof createSharedLimits>;
  readonly places: HostPlaces;
  readonly usage: Pick<Usage, 'addAll' | 'paused'>;
  readonly log: Log;
}

/** Beside the source, or, in the bundle, above the chunk that holds this. */
const PROGRAM = new URL(import.meta.filename.endsWith('.ts') ? './process.ts' : '../worker.js', import.meta.url);
/** How long a scrape waits for a worker that is busy. */
const METRICS_MS = 3000;
/** It speaks each second: one that has been silent this long serves nobody, and never will. */
const SILENCE_MS = 60_000;
const SILENCE_LOOK_MS = 5000;
/** With less, a worker does not even start. */
const HEAP_LEAST_MIB = 64;

export function startWorkerProcess(start: WorkerStart, { limits, places, usage, log }: Surroundings): WorkerProcess {
  const child = forkWorker(start.workers);
  const send = (message: ToWorker): void => void child.send(message, () => undefined);
  const account = answerLimits(limits, send);
  const holders = new Map<number, Holder>();
  const opening = Promise.withResolvers<void>();
  const listening = Promise.withResolvers<Omit<Listening, 'close'>>();
  const waiting = new Map<number, (metrics?: WorkerMetrics) => void>();
  let lastId = 0;
  let state: WorkerState | undefined;
  let left: number | undefined;
  let heardAt: number | undefined;
  let failure: SystemError | undefined;
  let isDrained = false;
  let lastMetrics: WorkerMetrics = { objects: [] };

  function hear(message: FromWorker): void {
    if (heardAt !== undefined) heardAt = performance.now();
    switch (message.kind) {
      case 'open':
        heardAt = performance.now();
        state = message.state;
        return opening.resolve();
      case 'listening':
        return listening.resolve(message.listening);
      case 'failed':
        failure = message.error;
        return;
      case 'state':
        // before it is open, nobody is to count on it
        if (state !== undefined) state = { ...message.state, upstreams: message.state.upstreams ?? state.upstreams };
        return;
      case 'left':
        ({ left } = message);
        return;
      case 'drained':
        isDrained = true;
        lastMetrics = message.metrics;
        return;
      case 'metrics':
        lastMetrics = message.metrics;
        return answer(message.id);
      case 'reloaded':
        return answer(message.id);
      case 'count':
      case 'verified':
      case 'uncount':
        return account.hear(message);
      case 'places':
        places.hear(holderOf(message.id), message.wish);
        if (message.wish.wanted + (message.wish.left ?? 1) === 0) holders.delete(message.id);
        return;
      case 'usage':
        return usage.addAll(message.usage);
    }
  }

  function holderOf(id: number): Holder {
    const holder = holders.get(id) ?? { tell: (granted) => send({ kind: 'places', id, granted }) };
    holders.set(id, holder);
    return holder;
  }

  function answer(id: number): void {
    waiting.get(id)?.();
    waiting.delete(id);
  }

  function ask(kind: 'metrics' | 'reload'): Promise<void> {
    return new Promise((resolve) => {
      const id = ++lastId;
      waiting.set(id, () => resolve());
      send({ kind, id });
      if (!child.connected) answer(id);
    });
  }

  const watch = setInterval(() => {
    if (heardAt === undefined || performance.now() - heardAt < SILENCE_MS) return;
    failure = { message: `it said nothing for ${SILENCE_MS / 1000} s, and was ended` };
    child.kill('SIGKILL');
  }, SILENCE_LOOK_MS);

  const ended = endOf(child).then((how): WorkerEnd => {
    clearInterval(watch);
    state = undefined;
    account.close();
    for (const holder of holders.values()) places.forget(holder);
    const error = Object.assign(new Error(failure?.message ?? `worker ${start.number} ended: ${how}`), failure);
    opening.reject(error);
    listening.reject(error);
    for (const id of waiting.keys()) answer(id);
    return { isDrained, why: failure === undefined ? how : `${how}: ${failure.message}` };
  });

  opening.promise.catch(() => undefined);
  listening.promise.catch(() => undefined);
  child.on('message', hear);
  if (child.stdout !== null) passLines(child.stdout, log.pass);
  send({ kind: 'start', start });
  send({ kind: 'paused', paused: usage.paused() });
  return {
    pid: child.pid,
    opened: opening.promise,
    listen: (where) => {
      send({ kind: 'listen', where });
      return listening.promise;
    },
    state: () => state,
    left: () => left,
    metrics: async () => {
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, METRICS_MS);
      await Promise.race([ask('metrics'), late]);
      clearTimeout(timer);
      return lastMetrics;
    },
    lastMetrics: () => lastMetrics,
    reload: () => ask('reload'),
    tell: send,
    kill: () => void child.kill('SIGKILL'),
    ended,
  };
}

/** Memory is divided: each worker counts on its part, for how many messages may wait, too. */
function forkWorker(workers: number): ChildProcess {
  const heapMiB = Math.max(HEAP_LEAST_MIB, Math.floor(getHeapStatistics().heap_size_limit / workers / 1024 / 1024));
  const execArgv = [...process.execArgv.filter(isOfAnyProcess), `--max-old-space-size=${heapMiB}`];
  // nobody reads stdin, and to ignore it would need a /dev/null
  return fork(PROGRAM, { execArgv, stdio: ['inherit', 'pipe', 'inherit', 'ipc'] });
}

function isOfAnyProcess(flag: string): boolean {
  return !flag.startsWith('--max-old-space-size') && !flag.startsWith('--test') && !flag.startsWith('--inspect');
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    // it could not even be made
    child.on('error', (error) => child.pid === undefined && resolve(error.message));
    child.once('close', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
}
