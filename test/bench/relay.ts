/**
 * `npm run bench`: messages per second of the relay as a ratio to a floor measured in the same run, pair by pair, since
 * the machine's speed drifts. Ten reused STARTTLS + AUTH connections, messages of 5 kB, each on disk before its 250.
 *
 *   accept            the floor commits to lmdb; so do we, with every check, and hold the message
 *   accept + deliver  we also hand each message to a smart host while we accept: the floor never delivers
 */
import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  CLASS_FILE_NAME,
  SHARD_COUNT,
  shardFileName,
  shardOf,
  type ListConfig,
  type ShardDocument,
} from '../../relay/config.ts';
import { sha256Verifier } from '../../relay/password-hash.ts';
import { aClass, aList, aSender, aUser, LIST, USER } from '../support/relay-config.ts';

const PAIRS = 5;
const WARM_UP = 2000;
const MESSAGES = Number(process.env['BENCH_MESSAGES'] ?? 10_000);
/** Its connections are few, as a provider allows. */
const SMART_HOST = {
  kind: 'smtp',
  host: '127.0.0.1',
  tls: 'None',
  maxConnections: 10,
  messagesPerConnection: 1000,
  recipientsPerTransaction: 50,
} as const;
const PASSWORD = randomBytes(24).toString('base64url');

const folder = await mkdtemp(path.join(tmpdir(), 'smtp-plus-bench-'));
const children: ChildProcess[] = [];
try {
  const load = start('load.ts');
  const floor = await port(start('peer.ts', await subfolder('floor')));
  const held = await ours('held', { kind: 'unresolved', message: 'held for the benchmark' });
  const sink = await port(start('sink.ts'));
  const delivered = await ours('delivered', { ...SMART_HOST, port: sink });
  console.log(`${MESSAGES} messages a run, ${PAIRS} pairs; messages per second`);
  await compare('accept', { load, ours: held, floor });
  await compare('accept + deliver', { load, ours: delivered, floor });
} finally {
  await Promise.all(children.map(end));
  await rm(folder, { recursive: true });
}

async function compare(
  name: string,
  { load, ours, floor }: { load: ChildProcess; ours: number; floor: number },
): Promise<void> {
  await rate(load, ours, WARM_UP);
  await rate(load, floor, WARM_UP);
  const pairs: { ours: number; floor: number }[] = [];
  for (let i = 0; i < PAIRS; i++) {
    pairs.push({ ours: await rate(load, ours, MESSAGES), floor: await rate(load, floor, MESSAGES) });
  }
  const [own, theirs] = [median(pairs.map((pair) => pair.ours)), median(pairs.map((pair) => pair.floor))];
  const ratios = pairs.map((pair) => pair.ours / pair.floor);
  const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
  console.log(
    `${name.padEnd(17)} relay ${own.toFixed(0)}, floor ${theirs.toFixed(0)}: ratio ${median(ratios).toFixed(2)} (${spread})`,
  );
}

async function rate(load: ChildProcess, toPort: number, messages: number): Promise<number> {
  load.send({ port: toPort, messages });
  const { seconds } = await answer<{ seconds: number }>(load);
  return messages / seconds;
}

async function ours(name: string, upstream: ListConfig['upstream']): Promise<number> {
  const own = await subfolder(name);
  await writeConfiguration(path.join(own, 'relay'), upstream);
  return port(start('ours.ts', own));
}

async function writeConfiguration(into: string, upstream: ListConfig['upstream']): Promise<void> {
  await mkdir(into);
  const shards = Array.from({ length: SHARD_COUNT }, (): ShardDocument => {
    return { version: 1, lists: {}, users: {}, unusable: {}, namespaces: {}, dkim: {} };
  });
  const shard = (key: string): ShardDocument =>
    shards[shardOf(key)] ?? { version: 1, lists: {}, users: {}, unusable: {}, namespaces: {}, dkim: {} };
  shard(LIST).lists[LIST] = aList({ upstream });
  shard(USER).users[USER] = aUser({ credentials: [{ verifier: sha256Verifier(PASSWORD, randomBytes(16)) }] });
  shard('shop').namespaces['shop'] = [aSender()];
  await writeFile(path.join(into, CLASS_FILE_NAME), JSON.stringify(aClass({ session: { commands: 1_000_000 } })));
  await Promise.all(
    shards.map((document, i) => writeFile(path.join(into, shardFileName(i)), JSON.stringify(document))),
  );
}

async function subfolder(name: string): Promise<string> {
  const own = path.join(folder, name);
  await mkdir(own);
  return own;
}

function start(program: string, ...args: string[]): ChildProcess {
  const child = fork(path.join(import.meta.dirname, program), args, {
    env: { ...process.env, BENCH_PASSWORD: PASSWORD },
  });
  children.push(child);
  return child;
}

async function port(child: ChildProcess): Promise<number> {
  return (await answer<{ port: number }>(child)).port;
}

/** The child's next message; a child that ends instead ends the benchmark. */
async function answer<T>(child: ChildProcess): Promise<T> {
  const settled = new AbortController();
  const { signal } = settled;
  try {
    const exit = once(child, 'exit', { signal }).then(([code]: number[]) => {
      throw new Error(`${child.spawnargs.at(1)} ended with code ${code}`);
    });
    const [message] = (await Promise.race([once(child, 'message', { signal }), exit])) as [T];
    return message;
  } finally {
    settled.abort();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
