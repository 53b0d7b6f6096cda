import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workersFor } from './worker-count.ts';

const GIB = 1024 ** 3;
const machine = { cores: 4, memoryBytes: 8 * GIB, canSharePorts: () => Promise.resolve(true) };

test('auto is as many as there are cores, and memory for', async () => {
  assert.equal(await workersFor('auto', machine), 4);
  assert.equal(await workersFor('auto', { ...machine, memoryBytes: GIB / 2 }), 2);
  assert.equal(await workersFor('auto', { ...machine, memoryBytes: GIB / 8 }), 1);
  assert.equal(await workersFor('auto', { ...machine, cores: 1 }), 1);
  assert.equal(await workersFor('auto', { ...machine, cores: 1000, memoryBytes: 1000 * GIB }), 64);
});

test('a number is a number, whatever the machine has', async () => {
  assert.equal(await workersFor(3, { ...machine, cores: 1, memoryBytes: 1 }), 3);
});

test('where processes cannot share ports, several are refused with a way out, and one needs nothing', async () => {
  const old = { ...machine, canSharePorts: () => Promise.resolve(false) };
  await assert.rejects(
    workersFor(2, old),
    /^Error: workers is 2, and processes cannot share a port here.*Set workers to 1/,
  );
  assert.equal(await workersFor('auto', old), 1);
  assert.equal(await workersFor(1, old), 1);
});
