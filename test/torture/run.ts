/** `npm run torture [KILLS [WORKERS]]`: 1,000 kills by default, of a relay with 2 workers, in half an hour. See torture.ts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { torture } from './torture.ts';

const REPORT_EACH = 50;

const folder = await mkdtemp(path.join(tmpdir(), 'torture-'));
const ends: (() => unknown)[] = [];
try {
  const { lost, unexplained, ...counts } = await torture({ after: (end) => ends.push(end as () => unknown) }, folder, {
    kills: Number(process.argv[2] ?? 1000),
    workers: Number(process.argv[3] ?? 2),
    mostMs: 1000,
    onKill: (kills) => {
      if (kills % REPORT_EACH === 0) process.stderr.write(`${kills} kills\n`);
    },
  });
  const { kills, acknowledged, twice, unheard, arrived, counted } = counts;
  process.stdout.write(
    `${kills} kills, ${acknowledged} messages acknowledged: ${lost.length} lost; ${twice} came twice with a kill between, ` +
      `${unexplained.length} without; ${unheard} came whose client was cut off before its 250; ` +
      `of ${arrived} that came, ${counted.accepted} were counted as taken and ${counted.delivered} as delivered\n`,
  );
  process.exitCode = lost.length + unexplained.length === 0 ? 0 : 1;
} finally {
  for (const end of ends) await end();
  await rm(folder, { recursive: true, force: true });
}
process.exit();
