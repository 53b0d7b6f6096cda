import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { SessionInput } from './input.ts';

/** An input whose lines are noted with whether anything was behind them; the line `slow` takes until `release`. */
function anInput() {
  const seen: [string, boolean][] = [];
  let release: () => void = () => undefined;
  const slow = new Promise<void>((resolve) => {
    release = resolve;
  });
  const input = new SessionInput({
    lineMax: () => 100,
    line: (line) => {
      seen.push([line.toString(), input.hasUnread]);
      return line.toString() === 'slow' ? slow : undefined;
    },
    badLine: () => assert.fail(),
    writable: () => undefined,
  });
  return { input, seen, release };
}

describe('octets behind a command', () => {
  test('are seen where they came with it, and where it was the last that came there are none', () => {
    const { input, seen } = anInput();
    input.write('a\r\nb\r\n');
    input.write('c\r\n');
    input.write('d');
    input.write('\r\n');
    assert.deepEqual(seen, [
      ['a', true],
      ['b', false],
      ['c', false],
      ['d', false],
    ]);
  });

  test('are seen where they came after it, while a command before it took its time', async () => {
    const { input, seen, release } = anInput();
    input.write('slow\r\nDATA\r\n');
    input.write('From: ');
    release();
    await turn();
    assert.deepEqual(seen, [
      ['slow', true],
      ['DATA', true],
    ]);
  });

  test('are none where the group of commands that waited ends', async () => {
    const { input, seen, release } = anInput();
    input.write('slow\r\nMAIL\r\n');
    input.write('DATA\r\n');
    release();
    await turn();
    assert.deepEqual(seen, [
      ['slow', true],
      ['MAIL', true],
      ['DATA', false],
    ]);
  });
});
