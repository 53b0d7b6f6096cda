import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { refusalsFor } from './refusals.ts';

const REFUSALS = {
  since: '2026-11-28T10:00:00.000Z',
  users: { 'shop/orders': { rate_limited: 2 }, 'shop-2/orders': { rate_limited: 3 } },
  nobody: { auth_failed: 4 },
};

describe('refusals', () => {
  test('are those of the namespaces that somebody sees, without those of clients whom nobody knows', () => {
    assert.deepEqual(
      refusalsFor(REFUSALS, (namespace) => namespace === 'shop', false),
      { since: REFUSALS.since, users: { 'shop/orders': { rate_limited: 2 } }, nobody: undefined },
    );
  });

  test('are all of them for who sees everything, and unknown where no relay has said', () => {
    assert.deepEqual(
      refusalsFor(REFUSALS, () => true, true),
      REFUSALS,
    );
    assert.equal(
      refusalsFor(undefined, () => true, true),
      undefined,
    );
  });
});
