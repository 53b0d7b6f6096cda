import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSpaceAccount } from './disk-space.ts';

async function anAccount() {
  const room = createSpaceAccount({ reserveBytes: () => 0 });
  await room.measure(() => Promise.resolve(100));
  return room;
}

/** A write that ends when it is told to. */
function aWrite() {
  let end: () => void = () => undefined;
  const written = new Promise<void>((resolve) => (end = resolve));
  return { write: () => written, end };
}

describe('room for messages', () => {
  test('is not promised twice, until the disk has been asked after the write', async () => {
    const room = await anAccount();
    const { write, end } = aWrite();
    const writing = room.use(60, write);
    await room.measure(() => Promise.resolve(100));
    assert.deepEqual([room.has(40), room.has(41)], [true, false]);
    end();
    await writing;
    assert.deepEqual([room.has(40), room.has(41)], [true, false]);
    await room.measure(() => Promise.resolve(40));
    assert.deepEqual([room.has(40), room.has(41)], [true, false]);
  });

  test('that is written while the disk is asked counts until it is asked again', async () => {
    const room = await anAccount();
    await room.measure(async () => {
      await room.use(60, () => Promise.resolve());
      return 100;
    });
    assert.deepEqual([room.has(40), room.has(41)], [true, false]);
  });

  test('is had again after a write that failed', async () => {
    const room = await anAccount();
    await assert.rejects(room.use(60, () => Promise.reject(new Error('no'))));
    await room.measure(() => Promise.resolve(100));
    assert.equal(room.has(100), true);
  });
});
