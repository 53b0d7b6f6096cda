/** Settles every message of a spool, each with a report, and prints how many; or why it could not begin. */
import { writeSync } from 'node:fs';
import { openSpool } from '../../relay/spool/spool.ts';
import { aMessage, captureLog, CONTENT, createMetrics } from '../support/queued.ts';

const [folder = ''] = process.argv.slice(2);
// a write past the limit (ulimit -f) is to fail, not to end the process
process.on('SIGXFSZ', () => {});
const { log } = captureLog();

try {
  const spool = await openSpool(folder, { metrics: createMetrics(), log, reserveBytes: () => 0 });
  const ids = [...spool.entries()].map(({ id }) => id);
  for (const id of ids) {
    await spool.settle(id, { reports: [{ message: aMessage({ id: `${id}-r1` }), bytes: CONTENT }] });
  }
  writeSync(1, `${ids.length} settled\n`);
  await spool.close();
} catch (error) {
  writeSync(1, `${String(error)}\n`);
}
