/**
 * `npm run bench:growth`: how the relay grows with its users, idle connections, queued messages and ports. Prints a table for
 * each, and leaves it in results/ with a plot (SVG).
 *
 *     npm run bench:growth -- [users] [connections] [queue] [ports] [--sizes 100,1000] [--workers N]
 *
 * Without --workers, the relay has as many as a deployment has: one for each core. Queues are of one worker.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { connections } from './growth/connections.ts';
import type { Growth } from './growth/growth.ts';
import { ports } from './growth/ports.ts';
import { queue } from './growth/queue.ts';
import { users } from './growth/users.ts';
import { plot } from './plot.ts';
import { savePlot, saveResults } from './results.ts';
import { formatTable } from './table.ts';
import { buildRelay } from './throughput/relay.ts';

const ALL: readonly Growth[] = [users, connections, queue, ports];

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { sizes: { type: 'string' }, workers: { type: 'string' } },
});
const workers = flags.workers === undefined ? [] : ['--workers', flags.workers];
const unknown = positionals.filter((name) => !ALL.some((growth) => growth.name === name));
if (unknown.length > 0) throw new Error(`${unknown.join()}: expected ${ALL.map(({ name }) => name).join(', ')}`);

await buildRelay();
for (const growth of ALL) {
  if (positionals.length === 0 || positionals.includes(growth.name)) await show(growth);
}

async function show(growth: Growth): Promise<void> {
  const { name, title, of, values } = growth;
  const sizes = flags.sizes?.split(',').map(Number) ?? growth.sizes;
  const rows: { readonly size: number; readonly values: readonly number[] }[] = [];
  for (const size of sizes) rows.push({ size, values: await measured(growth, size) });
  const table = rows.map((row) => [row.size.toLocaleString('en'), ...row.values.map((value) => value.toFixed(2))]);
  console.log(`\n${title}\n${formatTable([[of, ...values], ...table])}`);
  await saveResults(`growth ${name}`, { title, of, values, rows });
  const series = values.map((value, i) => ({
    name: value,
    points: rows.map((row) => ({ x: row.size, y: row.values[i] ?? 0 })),
  }));
  console.log(await savePlot(`growth ${name}`, plot({ title, x: of, series })));
}

async function measured({ measure }: Growth, size: number): Promise<readonly number[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'smtp-plus-bench-'));
  try {
    return await measure(size, { folder, flags: workers });
  } finally {
    await rm(folder, { recursive: true });
  }
}
