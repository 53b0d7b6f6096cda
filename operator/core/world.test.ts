import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  advance,
  conclude,
  createWorld,
  nextAlarm,
  read,
  setFact,
  takeStale,
  wakeAt,
  type Facts,
  type Result,
  type Table,
  type World,
} from './world.ts';

const START = new Date('2026-01-01T00:00:00Z');
const LATER = new Date('2026-01-01T01:00:00Z');

function emptyWorld(): World {
  return createWorld(START, {
    newPassword: () => ({ password: '', verifier: '' }),
    challengeToken: () => '',
  });
}

/** A formula that writes down each time it is evaluated. */
function counted<Value>(
  name: string,
  formula: (world: World, key: string) => Value,
): Table<Value> & { readonly runs: string[] } {
  const runs: string[] = [];
  return {
    name,
    runs,
    formula: (world, key) => {
      runs.push(key);
      return formula(world, key);
    },
  };
}

describe('a world', () => {
  test('evaluates a formula once, and again only when something that it has read has changed', () => {
    const world = emptyWorld();
    const price: Facts<number> = { name: 'price' };
    const double = counted('double', (world, key) => (read(world, price, key) ?? 0) * 2);
    setFact(world, price, 'tea', 2);
    assert.equal(read(world, double, 'tea'), 4);
    setFact(world, price, 'milk', 1);
    setFact(world, price, 'tea', 2);
    assert.equal(read(world, double, 'tea'), 4);
    assert.deepEqual(double.runs, ['tea']);
    setFact(world, price, 'tea', 3);
    assert.equal(read(world, double, 'tea'), 6);
    assert.deepEqual(double.runs, ['tea', 'tea']);
  });

  test('stops a change where a formula comes to an equal value', () => {
    const world = emptyWorld();
    const length: Facts<number> = { name: 'length' };
    const isLong = counted('is long', (world, key) => ({ value: (read(world, length, key) ?? 0) > 10 }));
    const label = counted('label', (world, key) => (read(world, isLong, key).value ? 'long' : 'short'));
    setFact(world, length, 'a', 11);
    assert.equal(read(world, label, 'a'), 'long');
    setFact(world, length, 'a', 12);
    assert.equal(read(world, label, 'a'), 'long');
    assert.deepEqual([isLong.runs.length, label.runs.length], [2, 1]);
  });

  test('forgets what a formula no longer reads', () => {
    const world = emptyWorld();
    const text: Facts<string> = { name: 'text' };
    const chosen = counted('chosen', (world) => read(world, text, read(world, text, 'which') ?? ''));
    setFact(world, text, 'which', 'a');
    setFact(world, text, 'a', 'from a');
    assert.equal(read(world, chosen, ''), 'from a');
    setFact(world, text, 'which', 'b');
    assert.equal(read(world, chosen, ''), undefined);
    setFact(world, text, 'a', 'of no interest');
    assert.equal(read(world, chosen, ''), undefined);
    assert.equal(chosen.runs.length, 2);
    setFact(world, text, 'b', 'from b');
    assert.equal(read(world, chosen, ''), 'from b');
  });

  test('tells which results may have changed, each once', () => {
    const world = emptyWorld();
    const members: Facts<readonly string[]> = { name: 'members' };
    const size: Result<number> = {
      name: 'size',
      formula: (world, key) => read(world, members, key)?.length ?? 0,
      isResult: true,
    };
    setFact(world, members, 'club', ['a']);
    assert.deepEqual([conclude(world, size, 'club'), conclude(world, size, 'other')], [1, 0]);
    setFact(world, members, 'club', ['a', 'b', 'c']);
    setFact(world, members, 'club', ['a', 'b']);
    assert.deepEqual(takeStale(world, size), ['club']);
    assert.deepEqual(takeStale(world, size), []);
    assert.equal(conclude(world, size, 'club'), 2);
  });

  test('evaluates anew at the time that a formula has named, and not before', () => {
    const world = emptyWorld();
    const isOver = counted('is over', (world) => {
      wakeAt(world, LATER);
      return world.now >= LATER;
    });
    const said: Result<string> = {
      name: 'said',
      formula: (world) => (read(world, isOver, '') ? 'over' : 'not yet'),
      isResult: true,
    };
    assert.equal(conclude(world, said, ''), 'not yet');
    assert.deepEqual(nextAlarm(world), LATER);
    advance(world, new Date(LATER.getTime() - 1));
    assert.deepEqual(takeStale(world, said), []);
    advance(world, LATER);
    assert.deepEqual(takeStale(world, said), ['']);
    assert.equal(conclude(world, said, ''), 'over');
    assert.equal(nextAlarm(world), undefined);
  });

  test('is whole again after a formula has failed', () => {
    const world = emptyWorld();
    const fact: Facts<string> = { name: 'fact' };
    const fragile = counted('fragile', (world) => {
      if (read(world, fact, 'a') === undefined) throw new Error('our own fault');
      return 'fine';
    });
    assert.throws(() => read(world, fragile, ''), /our own fault/);
    setFact(world, fact, 'a', 'there');
    assert.equal(read(world, fragile, ''), 'fine');
  });
});
