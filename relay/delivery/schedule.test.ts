import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createSchedule } from './schedule.ts';

describe('schedule', () => {
  test('gives out nothing before it is due', () => {
    const schedule = createSchedule<{ due: number }>();
    schedule.add({ due: 10 });
    assert.equal(schedule.shift(9), undefined);
    assert.equal(schedule.next(), 10);
    assert.deepEqual(schedule.shift(10), { due: 10 });
    assert.equal(schedule.next(), undefined);
  });

  test('gives out everything in order of time, whatever was added and taken out', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000)), fc.nat(1000), (times, limit) => {
        const schedule = createSchedule<{ due: number }>();
        for (const due of times) schedule.add({ due });
        const taken = schedule.takeWhere(({ due }) => due > limit).map(({ due }) => due);
        const given: number[] = [];
        for (let item = schedule.shift(Infinity); item !== undefined; item = schedule.shift(Infinity))
          given.push(item.due);
        assert.deepEqual(
          given,
          times.filter((due) => due <= limit).toSorted((a, b) => a - b),
        );
        assert.equal(taken.length + given.length, times.length);
      }),
    );
  });
});
