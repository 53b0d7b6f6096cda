/** `npm run test:cluster` where there is no cluster. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

const RUN = path.join(import.meta.dirname, 'cluster/run.ts');

test('tests on a real cluster are skipped aloud without one, and fail in CI', () => {
  for (const [CI, code] of [
    ['', 0],
    ['true', 1],
  ] as const) {
    const env = { ...process.env, CI, KUBECONFIG: '', IMAGE_LOAD_COMMAND: '' };
    const { status, stderr } = spawnSync(process.execPath, [RUN], { env, encoding: 'utf8' });
    assert.equal(status, code);
    assert.match(stderr, /SKIPPED: KUBECONFIG and IMAGE_LOAD_COMMAND not set/);
  }
});
