/** Puts messages as fast as it can and prints the id of each after it is on disk, until it is killed. */
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { openSpool } from '../../relay/spool/spool.ts';
import { aMessage, captureLog, createMetrics, inFile, inMemory } from '../support/queued.ts';

const [folder = '', prefix = ''] = process.argv.slice(2);
// a write past the limit (ulimit -f) is to fail, not to end the process
process.on('SIGXFSZ', () => {});
const { log } = captureLog();
const spool = await openSpool(folder, {
  metrics: createMetrics(),
  log,
  reserveBytes: () => 0,
  onFatal: () => writeSync(1, 'fatal\n'),
});

async function writer(number: number): Promise<void> {
  for (let i = 0; ; i++) {
    // one in eight is too large for memory, and another one large
    const isFile = i % 8 === 7;
    const bytes = Buffer.alloc(i % 4 === 3 ? 200_000 : 5000, `${prefix}-${number}-${i} `);
    const id = `${prefix}-${number}-${i}`;
    const content = isFile ? await inFile(spool, { id, bytes }) : inMemory(bytes);
    await spool.put(aMessage({ id, content: bytes }), content);
    writeSync(1, `${id} ${createHash('sha256').update(bytes).digest('hex')}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, number) => writer(number).catch(() => writeSync(1, 'refused\n'))));
