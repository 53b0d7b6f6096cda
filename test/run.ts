/**
 * `npm test`: every test file, or those that are named, in one run with one summary. Those that need an API server come
 * last: its binaries are fetched or built meanwhile.
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { holdTests } from './support/control-plane/awaited.ts';
import { prepareControlPlane } from './support/control-plane/prepare.ts';

const ROOT = path.join(import.meta.dirname, '..');
const CONCURRENCY = 2;
const TEST_TIMEOUT_MS = 120_000;

const named = process.argv.slice(2);
const all = ['operator', 'relay', 'test'].flatMap((folder) => globSync(`${folder}/**/*.test.ts`, { cwd: ROOT }));
const files = (named.length > 0 ? named : all.sort()).map((file) => path.resolve(named.length > 0 ? '.' : ROOT, file));
const needing = files.filter((file) => readFileSync(file, 'utf8').includes('describeWithControlPlane('));
const others = files.filter((file) => !needing.includes(file));

const release = holdTests();
const prepared = needing.length === 0 ? Promise.resolve() : prepareControlPlane({ say });
prepared.catch(fail).finally(release);
process.on('exit', release);

run({ files: [...others, ...needing], concurrency: CONCURRENCY, timeout: TEST_TIMEOUT_MS })
  .on('test:fail', ({ todo }) => {
    if (todo === undefined || todo === false) process.exitCode = 1;
  })
  .compose(spec)
  .pipe(process.stdout);

function say(line: string): void {
  process.stderr.write(`control plane: ${line}\n`);
}

/** Tests that are skipped for want of a build that failed must not look like success. */
function fail(error: unknown): void {
  say(`${error instanceof Error ? error.message : String(error)}; tests against a real API server do not run`);
  process.exitCode = 1;
}
