/**
 * `npm run mutations [WORD]`: breaks a copy of the source in one place after the other (those whose name has the word in
 * it), runs the tests that should notice, and prints which did. A test that cannot fail shows here.
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mutations } from './all.ts';
import type { Mutation } from './mutation.ts';

const ROOT = path.join(import.meta.dirname, '../..');
/** A mutation may make a test wait for what never comes. */
const TEST_TIMEOUT_MS = 120_000;
const FILE_TIMEOUT_MS = 5 * 60_000;

const word = process.argv[2] ?? '';
const chosen = mutations.filter(({ name }) => name.includes(word));
const copy = makeCopy();
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));

const tests = [...new Set(chosen.flatMap((one) => one.tests))];
const unmended = await failing(tests);
if (unmended !== undefined) throw new Error(`${unmended} fails without any mutation: mend that first`);
const survivors: string[] = [];
for (const mutation of chosen) {
  const killer = await killerOf(mutation);
  if (killer === undefined) survivors.push(mutation.name);
  process.stdout.write(`${killer === undefined ? 'SURVIVED' : 'killed  '}  ${mutation.name}\n`);
}
process.stdout.write(`${chosen.length - survivors.length} of ${chosen.length} mutations killed\n`);
process.exitCode = survivors.length === 0 ? 0 : 1;

/** All that git knows or would know; installed packages are shared. */
function makeCopy(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'mutations-'));
  const list = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
  for (const file of list.split('\n').filter(Boolean)) {
    cpSync(path.join(ROOT, file), path.join(folder, file), { recursive: true });
  }
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  return folder;
}

/** The test file that noticed. */
async function killerOf({ file, from, to, tests: named }: Mutation): Promise<string | undefined> {
  const target = path.join(copy, file);
  const source = readFileSync(target, 'utf8');
  writeFileSync(
    target,
    source.replace(from, () => to),
  );
  try {
    return await failing(named);
  } finally {
    writeFileSync(target, source);
  }
}

async function failing(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) if (!(await passes(file))) return file;
  return undefined;
}

function passes(file: string): Promise<boolean> {
  const child = spawn(process.execPath, ['--test', `--test-timeout=${TEST_TIMEOUT_MS}`, file], {
    cwd: copy,
    stdio: 'ignore',
    // a group of its own, so that what it started ends with it
    detached: true,
  });
  // a loop without an end hears of no time-out
  const deadline = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), FILE_TIMEOUT_MS);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(deadline);
      resolve(code === 0);
    });
  });
}
