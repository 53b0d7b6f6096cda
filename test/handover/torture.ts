/**
 * Hand-overs, one after the other, to a relay that uses up at once what it takes; each time one side or both are killed at
 * some moment. In the end every message has come, and once.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { arrivalsAt, fill, finish, kill, placeFor, startSide, type Side } from './sides.ts';

export interface HandoverTorture {
  readonly handovers: number;
  readonly kills: number;
  readonly messages: number;
  readonly lost: readonly string[];
  readonly twice: readonly string[];
}

interface Options {
  readonly handovers: number;
  readonly messagesEach: number;
  /** Longest time until a kill. */
  readonly mostMs: number;
  readonly onHandover?: (count: number) => void;
}

export async function tortureHandovers(
  folder: string,
  { handovers, messagesEach, mostMs, onHandover = () => {} }: Options,
): Promise<HandoverTorture> {
  const place = placeFor();
  const [from, to] = [path.join(folder, 'relay-1'), path.join(folder, 'relay-0')];
  const receiver = { role: 'receiver', folder: to, name: 'relay-0', usesUp: true, ...place } as const;
  const sender = { role: 'sender', folder: from, name: 'relay-1', ...place } as const;
  const all: string[] = [];
  let receiving = startSide(receiver);
  let kills = 0;

  async function killSoon(side: Side, startAgain: () => Side): Promise<Side> {
    await side.ready;
    await sleep(Math.random() * mostMs);
    await kill(side);
    kills++;
    return startAgain();
  }

  for (let count = 0; count < handovers; count++) {
    const ids = Array.from({ length: messagesEach }, (_, index) => `H${count}-${String(index).padStart(4, '0')}`);
    all.push(...ids);
    await fill(from, ids);
    await receiving.ready;
    let sending = startSide(sender);
    // now one, now the other, now both, and in one of four neither
    if ((count & 1) !== 0) sending = await killSoon(sending, () => startSide(sender));
    if ((count & 2) !== 0) receiving = await killSoon(receiving, () => startSide(receiver));
    await finish(sending, () => startSide(sender));
    onHandover(count + 1);
  }
  await receiving.ready;
  await kill(receiving);
  const arrivals = await arrivalsAt(to);
  const came = new Set<string>();
  const twice = new Set<string>();
  for (const id of arrivals) (came.has(id) ? twice : came).add(id);
  return {
    handovers,
    kills,
    messages: all.length,
    lost: all.filter((id) => !came.has(id)),
    twice: [...twice],
  };
}
