/** `npm run bench`: what 3,976 ports more cost a start of the whole process, against one port, pair by pair. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const PAIRS = 5;
const RANGE = '1025-5000';
const CLI = path.join(import.meta.dirname, '../../operator/cli.ts');

interface Cost {
  readonly ms: number;
  readonly megabytes: number;
}

const pairs: Cost[] = [];
for (let i = 0; i < PAIRS; i++) {
  const [one, many] = [await cost('0'), await cost(`0,${RANGE}`)];
  pairs.push({ ms: many.ms - one.ms, megabytes: many.megabytes - one.megabytes });
}
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const [ms, megabytes] = [median(pairs.map((pair) => pair.ms)), median(pairs.map((pair) => pair.megabytes))];
console.log(`ports ${RANGE.padEnd(11)} ${ms.toFixed(0)} ms longer to start, ${megabytes.toFixed(0)} MB more`);

/** Starts `npm start`'s process with these ports; its time until ready, and its memory then. */
async function cost(ports: string): Promise<Cost> {
  const state = await mkdtemp(path.join(tmpdir(), 'smtp-plus-bench-'));
  const start = performance.now();
  const args = [CLI, 'standalone', '--json', '--state', state, '--ports', ports, '--http', '0'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) if (line.includes('"event":"ready"')) break;
  const ms = performance.now() - start;
  const memory = /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${child.pid}/status`, 'utf8'))?.[1];
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
  await rm(state, { recursive: true });
  return { ms, megabytes: Number(memory) / 1024 };
}
