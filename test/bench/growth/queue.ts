/**
 * What a start with a long queue takes. Built as for the package, with the flags of `npm start`. The file of the database
 * counts as memory of the process only while it is mapped.
 */
import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { encodeRecord, newRecord } from '../../../relay/spool/record.ts';
import { openStore } from '../../../relay/spool/store.ts';
import { createQueueId } from '../../../relay/submission/queue-id.ts';
import { bundle } from '../../../tools/bundle.ts';
import { aMessage } from '../../support/queued.ts';
import type { Growth } from './growth.ts';

const AT_ONCE = 5000;
const NAMESPACES = 10;
/** Where its one package from outside is found. */
const BUILT = path.join(import.meta.dirname, '../../../node_modules/.cache/bench-queue');

interface Start {
  readonly messages: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peak: number;
  readonly own: number;
}

export const queue: Growth = {
  name: 'queue',
  title: 'The start of a relay by its queued messages',
  of: 'queued messages',
  sizes: [1000, 10_000, 100_000, 1_000_000],
  values: ['start, s', 'CPU, s', 'peak, MB', 'of it no mapped files, MB'],
  measure: async (size, { folder }) => {
    try {
      await fill(folder, size);
      await bundle({ 'queue-process': 'test/bench/growth/queue-process.ts' }, BUILT);
      const parameters = [path.join(BUILT, 'queue-process.js'), folder];
      const env = { ...process.env, MALLOC_ARENA_MAX: '2' };
      const output = execFileSync(process.execPath, parameters, { encoding: 'utf8', env });
      const { messages, seconds, cpuSeconds, peak, own } = JSON.parse(output) as Start;
      if (messages !== size) throw new Error(`${messages} messages were found, of ${size}`);
      return [seconds, cpuSeconds, peak, own];
    } finally {
      await rm(BUILT, { recursive: true, force: true });
    }
  },
};

/** Messages that an upstream has deferred, as most of a long queue are. */
async function fill(spool: string, count: number): Promise<void> {
  const store = await openStore(path.join(spool, 'queue.mdb'));
  const body = Buffer.alloc(300, 'x');
  let time = Date.now() - 3600 * 1000;
  for (let made = 0; made < count; made += AT_ONCE) {
    const put = Array.from({ length: Math.min(AT_ONCE, count - made) }, (_, i) => {
      const namespace = `team-${i % NAMESPACES}`;
      const id = createQueueId((time += 3));
      return { id, record: aRecord(id, namespace, body.length), body };
    });
    await store.write({ put });
  }
  await store.close();
}

function aRecord(id: string, namespace: string, size: number): Buffer {
  const names = { namespace, list: `${namespace}/default`, user: `orders.${namespace}` };
  const queued = newRecord(aMessage({ id, size, ...names }), { isFile: false });
  const text = 'connect ECONNREFUSED 127.0.0.1:25: nobody listens there';
  const last = { outcome: 'deferred', enhanced: '4.4.1', text } as const;
  const pending = queued.pending.map((recipient) => ({ ...recipient, last }));
  return encodeRecord({ ...queued, pending, attempts: 3, due: Date.now() + 3600 * 1000 });
}
