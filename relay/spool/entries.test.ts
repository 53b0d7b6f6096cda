import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricValue } from '../../test/support/queued.ts';
import { createMetrics } from '../observe/metrics.ts';
import { createSpoolIndex } from './entries.ts';

const NOW = Math.floor(performance.timeOrigin) + 100_000;

function anIndex() {
  const metrics = createMetrics();
  const index = createSpoolIndex(metrics, 1000);
  const add = (id: string, list: string, secondsOld: number) => {
    const times = { receivedMs: NOW - secondsOld * 1000, due: NOW };
    index.set(id, { ...times, size: 10, isFile: false, delayNoticeSent: false, namespace: 'shop', user: list, list });
  };
  const measured = async () => {
    index.measureAge(NOW, (list) => list.startsWith('gone/'));
    const names = ['spool_messages', 'spool_oldest_seconds', 'spool_orphan_messages', 'spool_orphan_oldest_seconds'];
    return Promise.all(names.map((name) => metricValue(metrics, name)));
  };
  return { index, add, measured };
}

test('mail of lists that are gone is counted, and does not make other mail look old', async () => {
  const { add, measured } = anIndex();
  assert.deepEqual(await measured(), [0, 0, 0, 0]);
  add('A', 'gone/one', 90);
  assert.deepEqual(await measured(), [1, 0, 1, 90]);
  add('B', 'gone/two', 80);
  add('C', 'shop/there', 70);
  add('D', 'shop/there', 60);
  assert.deepEqual(await measured(), [4, 70, 2, 90]);
});

test('what left the spool is counted no more, and nor is its list named', async () => {
  const { index, add, measured } = anIndex();
  add('A', 'gone/one', 90);
  add('B', 'shop/there', 80);
  add('C', 'shop/there', 70);
  index.remove('A');
  index.remove('B');
  assert.deepEqual(await measured(), [1, 70, 0, 0]);
  assert.deepEqual([...index.lists()], ['shop/there']);
});

test('a message that is tried again stays one', async () => {
  const { index, add, measured } = anIndex();
  add('A', 'gone/one', 90);
  add('A', 'gone/one', 90);
  index.remove('A');
  assert.deepEqual(await measured(), [0, 0, 0, 0]);
  assert.deepEqual([...index.lists()], []);
});

test('the oldest message is the one that has waited longest, though it came after younger ones from another relay', async () => {
  const { index, add, measured } = anIndex();
  add('A', 'shop/there', 60);
  add('B', 'gone/one', 50);
  add('C', 'shop/there', 900);
  add('D', 'gone/one', 800);
  assert.deepEqual(await measured(), [4, 900, 2, 800]);
  assert.equal(index.oldest()?.id, 'C');
  // it is tried again
  add('C', 'shop/there', 900);
  // what is in order stays so when it is tried again after them
  add('A', 'shop/there', 60);
  assert.deepEqual(await measured(), [4, 900, 2, 800]);
  index.remove('C');
  assert.deepEqual(await measured(), [3, 60, 2, 800]);
});
