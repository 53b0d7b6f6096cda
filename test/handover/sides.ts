/** The two sides of hand-overs, each in a process of its own that may be killed, and what they have in the end. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { openSpool } from '../../relay/spool/spool.ts';
import { aMessage, captureLog, createMetrics, inMemory } from '../support/queued.ts';
import type { ChildOptions, FromChild } from './child.ts';

const PROGRAM = path.join(import.meta.dirname, 'child.ts');
/** Contents that are files of their own, one in so many. */
const LARGE_EACH = 5;
const LARGE_BYTES = 200_000;

export interface Side {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
  /** Resolves with what a sender has left, or with undefined where it was killed before. */
  readonly done: Promise<number | undefined>;
  readonly ended: Promise<unknown>;
}

export function startSide(options: ChildOptions): Side {
  const child = fork(PROGRAM, [JSON.stringify(options)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ready = Promise.withResolvers<void>();
  const done = Promise.withResolvers<number | undefined>();
  child.on('message', (message: FromChild) => {
    if (message.kind === 'ready') ready.resolve();
    else done.resolve(message.left);
  });
  const ended = once(child, 'exit');
  child.once('exit', () => {
    ready.resolve();
    done.resolve(undefined);
  });
  return { child, ready: ready.promise, done: done.promise, ended };
}

/** A sender that finds nobody ends with what it has: as long as that is so, another one follows. */
export async function finish(first: Side, startAgain: () => Side): Promise<void> {
  for (let sending = first; ; sending = startAgain()) {
    const left = await sending.done;
    await sending.ended;
    if (left === 0) return;
  }
}

/**
 * Has senders give their mail away until one side has killed itself: this receiver, or else the sender. Resolves with the last
 * sender.
 */
export async function untilKilled(receiver: Side | undefined, startSender: () => Side): Promise<Side> {
  for (;;) {
    const sender = startSender();
    await Promise.race([sender.ended, ...(receiver === undefined ? [] : [receiver.ended])]);
    const { signalCode } = (receiver ?? sender).child;
    if (signalCode === 'SIGKILL') return sender;
  }
}

export async function kill({ child, ended }: Side): Promise<void> {
  child.kill('SIGKILL');
  await ended;
}

/**
 * An address that no other test has, and a port below those that the system gives away, so that it is free again after a kill.
 * @param random from 0 to 1
 */
export function placeFor(random: () => number = Math.random): { readonly host: string; readonly port: number } {
  const byte = (): number => 1 + Math.floor(random() * 253);
  return { host: `127.${byte()}.${byte()}.${byte()}`, port: 20_000 + Math.floor(random() * 10_000) };
}

export async function fill(folder: string, ids: readonly string[]): Promise<void> {
  const { log } = captureLog();
  const spool = await openSpool(folder, { metrics: createMetrics(), log, reserveBytes: () => 0 });
  await Promise.all(
    ids.map((id, index) => {
      const content = Buffer.alloc(index % LARGE_EACH === 0 ? LARGE_BYTES : 2000, `${id} `);
      return spool.put(aMessage({ id, content }), inMemory(content));
    }),
  );
  await spool.close();
}

/** Ids of all that has come to a receiver that uses it up and is not running: one that was taken twice is there twice. */
export async function arrivalsAt(folder: string): Promise<readonly string[]> {
  const log = await readFile(path.join(folder, 'seen.log'), 'utf8');
  const seen = log.split('\n').flatMap((line) => (line.startsWith('seen ') ? [line.slice('seen '.length)] : []));
  // what it had on disk and had not written down yet
  const kept = [...(await contentsOf(folder)).keys()].filter((id) => !seen.includes(id));
  return [...seen, ...kept];
}

/** Ids of what lies in a spool that nobody uses, with whether each content is whole. */
export async function contentsOf(folder: string): Promise<ReadonlyMap<string, boolean>> {
  const { log } = captureLog();
  const spool = await openSpool(folder, { metrics: createMetrics(), log, reserveBytes: () => 0 });
  const found = new Map<string, boolean>();
  for (const { id } of spool.entries()) {
    const content = (await spool.read(id))?.content;
    const bytes = content?.body.kind === 'file' ? await readFile(content.body.path) : content?.body.bytes;
    found.set(id, bytes?.equals(Buffer.alloc(bytes.length, `${id} `)) === true);
  }
  await spool.close();
  return found;
}
