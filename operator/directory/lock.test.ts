import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { takeLock } from './lock.ts';

async function folderWithLock(t: TestContext, lock?: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'smtp-plus-lock-'));
  t.after(() => rm(folder, { recursive: true }));
  if (lock !== undefined) await writeFile(join(folder, 'lock'), lock);
  return folder;
}

const owner = (parts: object): string => JSON.stringify({ pid: process.pid, started: '', host: hostname(), ...parts });

describe('the lock of a state folder', () => {
  test('is taken once, and again after its release', async (t) => {
    const folder = await folderWithLock(t);
    const first = await takeLock(folder);
    assert.ok(first.taken);
    const second = await takeLock(folder);
    assert.ok(!second.taken);
    assert.ok(second.message.includes(`process ${process.pid}`) && second.message.includes(folder));
    await first.release();
    const third = await takeLock(folder);
    assert.ok(third.taken);
    await third.release();
    assert.deepEqual(await readdir(folder), []);
  });

  test('of a dead process, of a later one with its number, or of nobody counts for nothing', async (t) => {
    for (const lock of [owner({ started: 'another boot:1' }), owner({ pid: 4_194_300 }), 'half a li', '']) {
      const result = await takeLock(await folderWithLock(t, lock));
      assert.ok(result.taken, lock);
      await result.release();
    }
  });

  test('of another container counts while it gives signs of life', async (t) => {
    const folder = await folderWithLock(t, owner({ host: 'another', pid: 1 }));
    const refused = await takeLock(folder);
    assert.ok(!refused.taken);
    assert.match(refused.message, /process 1 on another/);
    const minuteAgo = new Date(Date.now() - 60_000);
    await utimes(join(folder, 'lock'), minuteAgo, minuteAgo);
    const taken = await takeLock(folder);
    assert.ok(taken.taken);
    await taken.release();
  });

  test('goes to one of many that ask at once, dead lock or not', async (t) => {
    for (const lock of [undefined, owner({ started: 'another boot:1' })]) {
      const folder = await folderWithLock(t, lock);
      const results = [];
      for (const result of await Promise.all(Array.from({ length: 5 }, () => takeLock(folder)))) {
        if (result.taken) results.push(result);
      }
      assert.equal(results.length, 1);
      await results[0]?.release();
    }
  });
});
