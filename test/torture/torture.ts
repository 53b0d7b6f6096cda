/**
 * kill -9 again and again while a relay takes mail in and hands it on, from outside, as its users and its smart host see it.
 * Nothing that was acknowledged may be missing in the end. What came twice is explained where a kill lay between: the
 * first time, the upstream's yes was not on disk yet. Twice from one and the same process would be a fault.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLASS_FILE_NAME, deliverySettingsSchema, SHARD_COUNT, shardFileName, shardOf } from '../../relay/config.ts';
import { eventually } from '../support/queued.ts';
import { aClass, aList, aSender, aUser, LIST, NAMESPACE, USER } from '../support/relay-config.ts';
import { startUpstream } from '../support/upstream.ts';
import { type Door, startClients } from './clients.ts';

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
}

interface Options {
  readonly kills: number;
  /** Longest time from the start of a relay to its end. */
  readonly mostMs: number;
  readonly random?: () => number;
  readonly onKill?: (kills: number) => void;
}

interface Running extends Door {
  readonly child: ChildProcess;
  readonly httpPort: number;
}

const START = path.join(import.meta.dirname, 'relay-process.ts');
/** A queue of the last life, on a machine that has other things to do. */
const DRAIN_SECONDS = 120;

export async function torture(
  t: Pick<TestContext, 'after'>,
  folder: string,
  { kills, mostMs, random = Math.random, onKill = () => {} }: Options,
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
  await configure(path.join(folder, 'relay'), upstream.port);
  let running = start(folder);
  const clients = startClients(() => running);
  for (; life < kills; life++) {
    const { child } = await running;
    await sleep(random() * mostMs);
    child.kill('SIGKILL');
    await once(child, 'exit');
    onKill(life + 1);
    running = start(folder);
  }
  const last = await running;
  await clients.stop();
  await eventually('the queue is empty', async () => (await queued(last)) === 0, DRAIN_SECONDS);
  last.child.kill('SIGKILL');
  return judge(clients.acknowledged, arrivals, kills);
}

function judge(
  acknowledged: ReadonlySet<string>,
  arrivals: ReadonlyMap<string, readonly number[]>,
  kills: number,
): TortureResult {
  const repeated = [...arrivals].filter(([, lives]) => lives.length > 1);
  return {
    kills,
    acknowledged: acknowledged.size,
    lost: [...acknowledged].filter((address) => !arrivals.has(address)),
    twice: repeated.length,
    unexplained: repeated.filter(([, lives]) => new Set(lives).size < lives.length).map(([address]) => address),
    unheard: [...arrivals.keys()].filter((address) => !acknowledged.has(address)).length,
  };
}

async function start(folder: string): Promise<Running> {
  const child = fork(START, [folder], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const [message] = (await once(child, 'message')) as [Omit<Running, 'child'>];
  return { ...message, child };
}

async function queued({ httpPort }: Running): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/metrics`);
  return Number(/^smtpplus_spool_messages (\d+)/m.exec(await response.text())?.[1] ?? Number.NaN);
}

async function configure(folder: string, port: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const delivery = deliverySettingsSchema.parse({ retryFirstSeconds: 0.1, retryMostSeconds: 1 });
  await writeFile(path.join(folder, CLASS_FILE_NAME), JSON.stringify(aClass({ delivery })));
  const host = { kind: 'smtp', host: '127.0.0.1', port, tls: 'None' } as const;
  const upstream = { ...host, maxConnections: 10, messagesPerConnection: 100, recipientsPerTransaction: 50 };
  for (let shard = 0; shard < SHARD_COUNT; shard++) {
    const only = <Value>(key: string, value: Value) => (shardOf(key) === shard ? { [key]: value } : {});
    const [lists, users] = [only(LIST, aList({ upstream })), only(USER, aUser())];
    const document = { version: 1, lists, users, namespaces: only(NAMESPACE, [aSender()]) };
    await writeFile(path.join(folder, shardFileName(shard)), JSON.stringify(document));
  }
}
