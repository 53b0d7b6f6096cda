import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/support/eventually.ts';
import type { SharedCounters } from '../counters/shared-counters.ts';
import { createSharedLimits } from '../submission/limits.ts';
import { answerLimits } from './answered-limits.ts';

test('a worker that ends while the store is asked about a connection of its leaves none behind', async () => {
  const answer = Promise.withResolvers<boolean>();
  const left: string[] = [];
  const counters = { enter: () => answer.promise, leave: (user: string) => void left.push(user) };
  const limits = createSharedLimits({ counters: counters as unknown as SharedCounters });
  const account = answerLimits(limits, () => undefined);
  account.hear({ kind: 'count', id: 1, question: { of: 'enter', user: 'u', allowed: { most: 1, relays: 2 } } });
  account.close();
  answer.resolve(true);
  await until(() => left.length > 0);
  assert.deepEqual(left, ['u']);
  assert.equal(await limits.connections.enter('u', { most: 1, relays: 2 }), true);
});
