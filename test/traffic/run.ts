/**
 * `npm run torture:traffic`: 100,000 messages (MESSAGES) through three relays, with 30 kills (KILLS) of relays and 15 of the
 * operator between them. See traffic.ts. Ctrl-C ends it sooner, with what there is to say until then.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startControlPlane } from '../support/control-plane.ts';
import { total } from './counts.ts';
import { troublesOf } from './judge.ts';
import type { Loss } from './relays.ts';
import { traffic } from './traffic.ts';

/** Counts are written down every second, after a write that took long after five, and a write takes its time. */
const FORGOTTEN_MOST_MS = 15_000;

const enough = new AbortController();
process.once('SIGINT', () => enough.abort());

const folder = await mkdtemp(path.join(tmpdir(), 'traffic-'));
const cluster = await startControlPlane();
const ends: (() => unknown)[] = [];
try {
  const start = performance.now();
  const result = await traffic({ after: (end) => void ends.push(end as () => unknown) }, folder, cluster, {
    messages: Number(process.env['MESSAGES'] ?? 100_000),
    kills: Number(process.env['KILLS'] ?? 30),
    signal: enough.signal,
    onKill: (kills) => process.stderr.write(`${kills} kills\n`),
  });
  const { kills, acknowledged, lost, unheard, unlogged, totals, losses } = result;
  const forgotten = losses.map(({ counts }) => total(counts, 'accepted'));
  console.log(`${acknowledged} messages acknowledged in ${Math.round((performance.now() - start) / 1000)} s,`);
  console.log(`${kills} kills of relays, ${Math.floor(kills / 2)} of the operator: ${lost.length} lost;`);
  console.log(`${unheard} taken whose client heard nothing, ${unlogged} of them not in the log;`);
  console.log(
    `forgotten at kills: ${forgotten.reduce((sum, one) => sum + one, 0)} messages, at most ${Math.max(...forgotten)} at one,` +
      ` of the last ${Math.max(...losses.map(({ ms }) => ms))} ms`,
  );
  console.table(totals);
  const troubles = [...troublesOf(result), ...late(losses)];
  for (const trouble of troubles) console.log(trouble);
  process.exitCode = troubles.length === 0 ? 0 : 1;
} finally {
  for (const end of ends) await end();
  await cluster.stop();
  await rm(folder, { recursive: true, force: true });
}
process.exit();

/** A bound in time is for this run alone: it is nothing to ask of a machine that runs tests. */
function late(losses: readonly Loss[]): readonly string[] {
  return losses.filter(({ ms }) => ms > FORGOTTEN_MOST_MS).map(({ ms }) => `a kill has cost the counts of ${ms} ms`);
}
