import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLog } from '../observe/log.ts';
import { createLineLimit } from './line-limit.ts';

function aLimit() {
  const clock = { time: 1000 };
  const lines: Record<string, unknown>[] = [];
  const log = createLog({ write: (line) => void lines.push(JSON.parse(line)) });
  const limit = createLineLimit({ log, now: () => clock.time });
  const count = (addresses: readonly string[]): number => addresses.filter((address) => limit.allows(address)).length;
  return { clock, lines, limit, count };
}

const times = (count: number, address: (i: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => address(i));

describe('lines about clients', () => {
  test('are so many a minute from one source, and others have theirs', () => {
    const { clock, count } = aLimit();
    assert.equal(count(times(100, () => '192.0.2.1')), 60);
    assert.equal(count(times(10, () => '192.0.2.2')), 10);
    assert.equal(count(times(100, (i) => `2001:db8::${i.toString(16)}`)), 60, 'an IPv6 network is one source');
    clock.time += 60_000;
    assert.equal(count(times(100, () => '192.0.2.1')), 60);
  });

  test('are so many a minute in all', () => {
    const { clock, count } = aLimit();
    const many = times(2000, (i) => `10.0.${i >> 8}.${i & 255}`);
    assert.equal(count(many), 600);
    clock.time += 60_000;
    assert.equal(count(many), 600);
  });

  test('that were left out are told once, with their number', () => {
    const { clock, lines, limit, count } = aLimit();
    count(times(100, () => '192.0.2.1'));
    limit.tell();
    assert.deepEqual(lines, []);
    clock.time += 60_000;
    limit.tell();
    limit.tell();
    assert.deepEqual(
      lines.map(({ level, leftOut }) => ({ level, leftOut })),
      [{ level: 'warn', leftOut: 40 }],
    );
  });
});
