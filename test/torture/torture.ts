/**
 * kill -9 again and again while a relay takes mail in and hands it on, from outside, as its users and its smart host see it;
 * where it has several workers, now of one of them, now of their parent.
 * Nothing that was acknowledged may be missing in the end. What came twice is explained where a kill lay between: the
 * first time, the upstream's yes was not on disk yet. Twice from one and the same process would be a fault.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { usageReportSchema } from '../../relay/observe/usage-report.ts';
import { ledTo, writeConfig } from '../support/config-folder.ts';
import { until } from '../support/eventually.ts';
import { isRunning } from '../support/is-running.ts';
import { aSmartHost, startUpstream } from '../support/upstream.ts';
import { type Door, startClients } from './clients.ts';
import type { FromRelay } from './relay-process.ts';

export interface TortureResult {
  readonly kills: number;
  readonly acknowledged: number;
  /** Acknowledged, and never arrived. */
  readonly lost: readonly string[];
  /** Came more than once, each time from another process. */
  readonly twice: number;
  /** Came more than once from one process. */
  readonly unexplained: readonly string[];
  /** Came, though its client never heard a 250: it was killed before. */
  readonly unheard: number;
  /** Addresses that mail has come to. */
  readonly arrived: number;
  /** What the relay has counted at the end: less than there was, by what it had not written down at each kill, and never more. */
  readonly counted: { readonly accepted: number; readonly delivered: number };
}

interface Options {
  readonly kills: number;
  /** Default: one, which is the relay's own process. */
  readonly workers?: number;
  /** Longest time from the start of a relay to its end. */
  readonly mostMs: number;
  /** Messages that each life takes at least, however slow the machine is. Default: none, so that it may end at its start. */
  readonly least?: number;
  readonly random?: () => number;
  readonly onKill?: (kills: number) => void;
}

interface Running extends Door {
  readonly child: ChildProcess;
  readonly httpPort: number;
  /** The process that each worker is now. */
  readonly workers: Map<number, number>;
}

const START = path.join(import.meta.dirname, 'relay-process.ts');
/** Of the event loop: more than it takes to read what has come. */
const TURNS = 100;
/** For what a life takes at least, on a machine that has other things to do. */
const LEAST_MS = 300_000;
/** Of the kills, those of one worker. */
const WORKER_SHARE = 0.7;
/** A queue of the last life, on a machine that has other things to do. */
const DRAIN_SECONDS = 600;

export async function torture(
  t: Pick<TestContext, 'after'>,
  folder: string,
  { kills, workers = 1, mostMs, least = 0, random = Math.random, onKill = () => {} }: Options,
): Promise<TortureResult> {
  /** By address, the number of the process that each copy came from. */
  const arrivals = new Map<string, number[]>();
  let life = 0;
  const upstream = await startUpstream(t as TestContext, {
    onContent: ({ to: [address = ''] }) => {
      arrivals.set(address, [...(arrivals.get(address) ?? []), life]);
      return undefined;
    },
  });
  const host = aSmartHost(upstream.port, { recipientsPerTransaction: 50 });
  await writeConfig(path.join(folder, 'relay'), ledTo(host));
  let running = start(folder, workers);
  const clients = startClients(() => running);
  for (; life < kills; life++) {
    const now = await running;
    const before = clients.acknowledged.size;
    await sleep(random() * mostMs);
    await until(() => clients.acknowledged.size >= before + least, { ms: LEAST_MS });
    if (workers === 1 || random() >= WORKER_SHARE || !(await killWorker(now, random))) {
      await killAll(now);
      running = start(folder, workers);
    }
    onKill(life + 1);
  }
  const last = await running;
  await clients.stop();
  await until(async () => (await queued(last, workers)) === 0, {
    what: 'the queue is empty',
    ms: DRAIN_SECONDS * 1000,
  });
  const counted = await countedBy(last);
  last.child.kill('SIGKILL');
  return { ...judge(clients.acknowledged, arrivals, kills), counted };
}

function judge(
  acknowledged: ReadonlySet<string>,
  arrivals: ReadonlyMap<string, readonly number[]>,
  kills: number,
): Omit<TortureResult, 'counted'> {
  const repeated = [...arrivals].filter(([, lives]) => lives.length > 1);
  return {
    kills,
    acknowledged: acknowledged.size,
    arrived: arrivals.size,
    lost: [...acknowledged].filter((address) => !arrivals.has(address)),
    twice: repeated.length,
    unexplained: repeated.filter(([, lives]) => new Set(lives).size < lives.length).map(([address]) => address),
    unheard: [...arrivals.keys()].filter((address) => !acknowledged.has(address)).length,
  };
}

function start(folder: string, count: number): Promise<Running> {
  const child = fork(START, [folder, String(count)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const workers = new Map<number, number>();
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the relay ended before it took mail: ${code}`)));
    child.on('message', (message: FromRelay) => {
      if (message.kind === 'worker') workers.set(message.worker, message.pid);
      else if (message.kind === 'ready') resolve({ ...message, workers, child });
    });
  });
}

/** Workers end with their parent, a moment later. */
async function killAll({ child, workers }: Running): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
  await until(() => ![...workers.values()].some(isRunning));
  await allRead();
}

/** What a process had sent by its end has come then, and counts as its own. */
async function allRead(): Promise<void> {
  for (let i = 0; i < TURNS; i++) await setImmediate();
}

/** False where none is there. One that was killed is not there until another one has taken its place. */
async function killWorker({ child, workers }: Running, random: () => number): Promise<boolean> {
  const [worker, pid] = [...workers][Math.floor(random() * workers.size)] ?? [];
  if (worker === undefined || pid === undefined) return false;
  workers.delete(worker);
  const ended = new Promise<void>((resolve) => {
    child.on('message', (message: FromRelay) => message.kind === 'ended' && message.worker === worker && resolve());
  });
  process.kill(pid, 'SIGKILL');
  await ended;
  await allRead();
  return true;
}

async function countedBy({ httpPort }: Running): Promise<TortureResult['counted']> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/usage`);
  const { lists } = usageReportSchema.parse(await response.json());
  const all = Object.values(lists);
  const sum = (name: 'accepted' | 'delivered') => all.reduce((so, tally) => so + (tally[name] ?? 0), 0);
  return { accepted: sum('accepted'), delivered: sum('delivered') };
}

/** Unknown while one of several workers is not there to say what is in its queue. */
async function queued({ httpPort }: Running, workers: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/metrics`);
  const page = await response.text();
  const valueOf = (name: string) => Number(new RegExp(`^smtpplus_${name} (\\d+)`, 'm').exec(page)?.[1] ?? Number.NaN);
  return workers > 1 && valueOf('workers') < workers ? Number.NaN : valueOf('spool_messages');
}
