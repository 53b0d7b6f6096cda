import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSenderQueue, type SenderQueue } from './sender-queue.ts';

/** `shop/anna 1`: by the user anna of the namespace shop. */
function push(queue: SenderQueue<string>, ...items: string[]): void {
  for (const item of items) {
    const [, namespace = '', user = ''] = /^(\w+)\/(\w+)/.exec(item) ?? [];
    queue.push({ namespace, user, list: 'platform/shared' }, item);
  }
}

function drained(queue: SenderQueue<string>): string[] {
  return Array.from({ length: queue.size() }, () => queue.shift() ?? '');
}

describe('what waits for an upstream', () => {
  test('goes in turns of namespaces, then of users, then in order of arrival, though all have one list', () => {
    const queue = createSenderQueue<string>();
    push(queue, 'shop/anna 1', 'shop/anna 2', 'shop/anna 3', 'shop/ben 1', 'bank/carl 1', 'bank/carl 2');
    assert.deepEqual(drained(queue), [
      'shop/anna 1',
      'bank/carl 1',
      'shop/ben 1',
      'bank/carl 2',
      'shop/anna 2',
      'shop/anna 3',
    ]);
  });

  test('keeps the turn of who may not have one now', () => {
    const queue = createSenderQueue<string>();
    push(queue, 'shop/anna 1', 'shop/ben 1', 'bank/carl 1');
    const withoutShop = { namespace: (one: string) => one !== 'shop', line: () => true };
    assert.equal(queue.shift(withoutShop), 'bank/carl 1');
    assert.equal(queue.shift(withoutShop), undefined);
    const withoutAnna = { namespace: () => true, line: (_: string, line: string) => !line.endsWith('anna') };
    assert.equal(queue.shift(withoutAnna), 'shop/ben 1');
    assert.deepEqual(drained(queue), ['shop/anna 1']);
  });

  test('says whose it is, and by way of which lists', () => {
    const queue = createSenderQueue<string>();
    push(queue, 'shop/anna 1', 'bank/carl 1');
    queue.push({ namespace: 'bank', user: 'carl', list: 'bank/own' }, 'bank/carl 2');
    assert.deepEqual([...queue.namespaces()], ['shop', 'bank']);
    assert.deepEqual([...queue.lists()], ['platform/shared', 'bank/own']);
    assert.deepEqual(
      queue.takeWhere((item) => item.startsWith('bank')),
      ['bank/carl 1', 'bank/carl 2'],
    );
    assert.deepEqual([[...queue.namespaces()], queue.size()], [['shop'], 1]);
  });
});
