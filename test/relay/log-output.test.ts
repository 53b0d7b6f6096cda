/** Lines wait for the end of their turn, and must not wait for one that never comes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, test } from 'node:test';

const LOG = JSON.stringify(path.join(import.meta.dirname, '../../relay/observe/log.ts'));

/** What a program writes that logs, and then ends in this way before its turn is over. */
function linesOf(how: string, options: string): readonly string[] {
  const program = `
    const { createLog, openStdout } = await import(${LOG});
    const log = createLog(openStdout(${options}));
    for (let i = 0; i < 1000; i++) log.info('line ' + i);
    ${how};
  `;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as { msg: string }).msg]));
}

const LINES = Array.from({ length: 1000 }, (_, i) => `line ${i}`);

for (const [who, options] of [
  ['a relay', '{}'],
  ['a worker', '{ sync: true }'],
] as const) {
  describe(`the log of ${who}`, () => {
    test('has each line, in their order, where the process ends by itself', () => {
      assert.deepEqual(linesOf('await undefined', options), LINES);
    });

    test('has what was written before an exit', () => {
      assert.deepEqual(linesOf('process.exit(1)', options), LINES);
    });

    test('has what was written before an exception that nobody caught', () => {
      assert.deepEqual(linesOf('throw new Error("a fault")', options), LINES);
    });
  });
}

test('the log of a worker has a fatal line, and what came before it, though the process is killed', () => {
  const how = 'log.fatal("the end"); process.kill(process.pid, "SIGKILL")';
  assert.deepEqual(linesOf(how, '{ sync: true }'), [...LINES, 'the end']);
});
