import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { createLog } from './log.ts';

test('a line shows addresses of any script, and nothing that a terminal obeys or that cannot be seen', () => {
  const written: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      written.push(chunk.toString());
      done();
    },
  });
  const to = 'жук\u202e\u009b2J\u2028\u200b\u{e0041}\u007f\n😀@пример.рф';
  createLog(stream).info({ to }, 'x');
  const [line = ''] = written;
  assert.ok(line.includes(String.raw`жук\u202e\u009b2J\u2028\u200b\udb40\udc41\u007f\n😀@пример.рф`), line);
  assert.ok(line.endsWith('}\n'));
  assert.equal((JSON.parse(line) as { to: string }).to, to);
});
