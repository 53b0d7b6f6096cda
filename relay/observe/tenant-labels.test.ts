import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NO_UPSTREAM, shownLabels, shownValues } from './tenant-labels.ts';
import { aClass, aList } from '../../test/support/relay-config.ts';
import { aSmartHost } from '../../test/support/upstream.ts';

const smartHost = (host: string) => aSmartHost(587, { host });

/** A class whose metrics name `most` lists, and lists with a smart host of their own. */
function values(most: number, lists: readonly string[]) {
  const upstreamOf = (list: string) => smartHost(`${list.replace('/', '.')}.example`);
  return shownValues({
    class: aClass({ metrics: { usage: 0, labels: most } }),
    lists: new Map(lists.map((list) => [list, aList({ upstream: upstreamOf(list) })])),
  });
}

describe('what labels of metrics name', () => {
  test('is each list and each smart host, as long as there is room', () => {
    assert.deepEqual(values(2, ['shop/one', 'blog/one']), {
      list: ['shop/one', 'blog/one'],
      upstream: ['shop.one.example:587', 'blog.one.example:587'],
    });
  });

  test('is no more than there may be, and a namespace that has many takes the place of nobody', () => {
    const flood = Array.from({ length: 50 }, (_, index) => `a-flood/list-${String(index).padStart(2, '0')}`);
    const { list, upstream } = values(4, [...flood, 'shop/one', 'zoo/one']);
    assert.deepEqual(list, ['a-flood/list-00', 'shop/one', 'zoo/one', 'a-flood/list-01']);
    assert.deepEqual(
      upstream,
      list.map((key) => `${key.replace('/', '.')}.example:587`),
    );
  });

  test('is the same in whatever order the lists come', () => {
    const lists = ['a/1', 'a/2', 'b/1', 'c/1', 'c/2'];
    assert.deepEqual(values(3, lists), values(3, lists.toReversed()));
  });

  test('is also what the relay decides without a smart host', () => {
    const { has } = shownLabels(values(1, ['shop/one']));
    assert.deepEqual([has('upstream', NO_UPSTREAM), has('upstream', 'elsewhere.example:25')], [true, false]);
  });

  test('is one smart host for all lists that share it', () => {
    const shared = aList({ upstream: smartHost('shared.example') });
    const lists = new Map(Array.from({ length: 9 }, (_, index) => [`shop/${index}`, shared]));
    assert.deepEqual(shownValues({ class: aClass(), lists }).upstream, ['shared.example:587']);
  });
});
