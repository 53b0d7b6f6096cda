import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCircuitBreaker } from './circuit-breaker.ts';

function opened() {
  const breaker = createCircuitBreaker({ settings: () => ({ firstSeconds: 10, mostSeconds: 300 }), random: () => 0 });
  for (let i = 0; i < 3; i++) breaker.heard({ kind: 'unreachable' }, 0);
  return breaker;
}

describe('circuit breaker', () => {
  test('opens after three failures in a row', () => {
    const breaker = createCircuitBreaker({ settings: () => ({ firstSeconds: 10, mostSeconds: 300 }), random: () => 0 });
    breaker.heard({ kind: 'broken' }, 0);
    breaker.heard({ kind: 'broken' }, 0);
    assert.equal(breaker.allows(0), true);
    breaker.heard({ kind: 'unreachable' }, 0);
    assert.equal(breaker.allows(0), false);
    assert.equal(breaker.retryAt(), 10_000);
  });

  test('an answer between failures starts the count anew, whatever the answer was', () => {
    const breaker = createCircuitBreaker({ settings: () => ({ firstSeconds: 10, mostSeconds: 300 }), random: () => 0 });
    for (let i = 0; i < 10; i++) {
      breaker.heard({ kind: 'broken' }, 0);
      breaker.heard({ kind: 'broken' }, 0);
      breaker.heard({ kind: 'answered' }, 0);
    }
    assert.equal(breaker.allows(0), true);
  });

  test('lets one probe through when the wait is over, and no second one beside it', () => {
    const breaker = opened();
    assert.equal(breaker.allows(9_999), false);
    assert.equal(breaker.allows(10_000), true);
    breaker.begin();
    assert.equal(breaker.allows(10_000), false);
  });

  test('a probe that is answered lets everything through again', () => {
    const breaker = opened();
    breaker.begin();
    breaker.heard({ kind: 'answered' }, 10_000);
    assert.equal(breaker.allows(10_000), true);
    breaker.begin();
    assert.equal(breaker.allows(10_000), true);
  });

  test('a probe that fails makes the wait longer', () => {
    const breaker = createCircuitBreaker({ settings: () => ({ firstSeconds: 10, mostSeconds: 300 }), random: () => 1 });
    for (let i = 0; i < 3; i++) breaker.heard({ kind: 'unreachable' }, 0);
    assert.equal(breaker.retryAt(), 20_000);
    breaker.begin();
    breaker.heard({ kind: 'unreachable' }, 20_000);
    assert.equal(breaker.retryAt(), 60_000);
  });

  test('a probe that told nothing about the upstream leaves room for the next', () => {
    const breaker = opened();
    breaker.begin();
    breaker.abandoned();
    assert.equal(breaker.allows(10_000), true);
  });
});
