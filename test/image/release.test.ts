/** What the workflows run beside our own code. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const FOLDER = path.join(import.meta.dirname, '../../.github/workflows');
const PINNED = /@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;

test('workflows name each action by its commit, with its version beside it: a tag can be moved', () => {
  const uses = readdirSync(FOLDER).flatMap((file) =>
    readFileSync(path.join(FOLDER, file), 'utf8')
      .split('\n')
      .filter((line) => /\buses\s*:/.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  );
  assert.notEqual(uses.length, 0);
  assert.deepEqual(
    uses.filter((line) => !PINNED.test(line)),
    [],
  );
});
