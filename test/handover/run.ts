/** `npm run torture:handover [HANDOVERS]`: 400 hand-overs by default, with a kill -9 in three of four. See torture.ts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tortureHandovers } from './torture.ts';

const REPORT_EACH = 50;

const folder = await mkdtemp(path.join(tmpdir(), 'handover-'));
try {
  const { handovers, kills, messages, lost, twice } = await tortureHandovers(folder, {
    handovers: Number(process.argv[2] ?? 400),
    messagesEach: 300,
    mostMs: 400,
    onHandover: (count) => {
      if (count % REPORT_EACH === 0) process.stderr.write(`${count} hand-overs\n`);
    },
  });
  process.stdout.write(
    `${handovers} hand-overs of ${messages} messages with ${kills} kills: ${lost.length} lost, ${twice.length} came twice\n`,
  );
  process.exitCode = lost.length + twice.length === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exit();
