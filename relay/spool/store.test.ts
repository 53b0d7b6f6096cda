import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { folderOf } from '../../test/support/folder.ts';
import { openStore } from './store.ts';

/** As long as a commit takes on a slow disk. */
const COMMIT_MS = 300;
/** So many that lmdb would begin a commit in the same turn of the event loop. */
const MESSAGES = 4;

/** Nothing is heard meanwhile of what other threads have ended. */
function standStill(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, COMMIT_MS);
}

test('a commit begins only when the end of the one before was heard', async (t) => {
  const store = await openStore(path.join(await folderOf(t), 'queue.mdb'));
  t.after(() => store.close());
  const write = (name: string) =>
    Array.from({ length: MESSAGES }, (_, i) =>
      store.write({ put: [{ id: `${name}${i}`, record: Buffer.from(name), body: Buffer.from(name) }] }),
    );
  const all = [...write('first')];
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  standStill();
  all.push(...write('second'));
  standStill();
  assert.equal(store.record('second0'), undefined);
  await Promise.all(all);
  assert.notEqual(store.record('second0'), undefined);
});
