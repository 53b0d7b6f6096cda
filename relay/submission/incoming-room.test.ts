import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createIncomingRoom } from './incoming-room.ts';

describe('room for messages that come in', () => {
  test('is not promised twice, until the spool has had the time to see on its disk what was written', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const room = createIncomingRoom((bytes) => bytes <= 100);
    let done: () => void = () => undefined;
    const writing = room.use(60, () => new Promise<void>((resolve) => (done = resolve)));
    t.mock.timers.tick(60_000);
    assert.deepEqual([room.has(40), room.has(41)], [true, false]);
    done();
    await writing;
    t.mock.timers.tick(999);
    assert.deepEqual([room.has(40), room.has(41)], [true, false]);
    t.mock.timers.tick(1);
    assert.deepEqual([room.has(100), room.has(101)], [true, false]);
  });

  test('is had again after a write that failed', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const room = createIncomingRoom((bytes) => bytes <= 100);
    await assert.rejects(room.use(60, () => Promise.reject(new Error('no'))));
    t.mock.timers.tick(1000);
    assert.equal(room.has(100), true);
  });
});
