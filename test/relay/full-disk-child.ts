/** Fills a disk of its own, drains it, and finds it read-only: prints what became of each. In a mount namespace of its own. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, statSync, truncateSync, writeSync } from 'node:fs';
import path from 'node:path';
import { DiskFullError } from '../../relay/spool/disk.ts';
import { openSpool, type Spool } from '../../relay/spool/spool.ts';
import { aMessage, captureLog, CONTENT, createMetrics, inMemory } from '../support/queued.ts';

const [disk = ''] = process.argv.slice(2);
const folder = path.join(disk, 'spool');
const other = path.join(disk, 'other');
const SMALL = Buffer.alloc(5000, 'x');
const LARGE = Buffer.alloc(200_000, 'x');

const open = (onFatal = () => {}) =>
  openSpool(folder, { metrics: createMetrics(), log: captureLog().log, reserveBytes: () => 0, onFatal });

function say(what: string, value: unknown): void {
  writeSync(1, `${JSON.stringify([what, value])}\n`);
}

/** Puts messages of both sizes until there is no room for one; their ids. Without a reserve the disk may say so first. */
async function fill(spool: Spool): Promise<string[]> {
  const ids: string[] = [];
  try {
    for (;;) {
      const content = ids.length % 4 === 0 ? LARGE : SMALL;
      const message = aMessage({ content });
      if (spool.refusal(message.size, message.namespace) !== undefined) return ids;
      await spool.put(message, inMemory(content));
      ids.push(message.id);
    }
  } catch (error) {
    if (error instanceof DiskFullError) return ids;
    throw error;
  }
}

/** Somebody else takes what is left of the disk, to its last block. */
function fillTheRest(): void {
  for (const bytes of [1_000_000, 1000]) {
    try {
      for (;;) appendFileSync(other, Buffer.alloc(bytes));
    } catch {
      // that was the last one
    }
  }
}

let fatal = 0;
const spool = await open(() => fatal++);
const all = await fill(spool);
fillTheRest();
const putMore = (content: Buffer) =>
  spool.put(aMessage({ content }), inMemory(content)).then(
    () => 'taken',
    (error: NodeJS.ErrnoException) => error.code,
  );
// what the small ones of these leave free lies scattered; and the three that come share a commit
const gone = new Set(all.slice(0, 40).filter((_, i) => i % 4 !== 0));
for (const id of gone) await spool.settle(id, { reports: [] });
const ids = all.filter((id) => !gone.has(id));
say('accepted', ids.length);
say('together', await Promise.all([putMore(SMALL), putMore(LARGE), putMore(SMALL)]));
// the disk takes a part of it
truncateSync(other, statSync(other).size - LARGE.length / 2);
say('half of it', await putMore(LARGE));
await settle(spool, ids.slice(0, ids.length / 2));
await spool.close();

const again = await open(() => fatal++);
say(
  'missing',
  ids.slice(ids.length / 2).filter((id) => ![...again.entries()].some((entry) => entry.id === id)),
);
await settle(again, ids.slice(ids.length / 2));
say('reports', [...again.entries()].filter(({ id }) => id.endsWith('-r1')).length);
say('fatal', fatal);
await again.close();

execFileSync('mount', ['-o', 'remount,ro', disk]);
say('read-only', await open().then(() => 'opened', String));

async function settle(from: Spool, settled: readonly string[]): Promise<void> {
  for (const id of settled) {
    await from.settle(id, { reports: [{ message: aMessage({ id: `${id}-r1` }), bytes: CONTENT }] });
  }
}
