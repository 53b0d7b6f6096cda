import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { finished } from 'node:stream/promises';
import { passLines } from './lines.ts';

test('whole lines are handed on, wherever they were cut in two, and what a crash has left of one is not', async () => {
  const lines: string[] = [];
  const stream = new PassThrough();
  passLines(stream, (line) => lines.push(line));
  const octets = Buffer.from('{"a":"é"}\n{"b":1}\n{"c":');
  for (const octet of octets) stream.write(Buffer.of(octet));
  stream.end();
  await finished(stream);
  assert.deepEqual(lines, ['{"a":"é"}\n', '{"b":1}\n']);
});

test('a line without an end takes no memory without an end', async () => {
  const lines: string[] = [];
  const stream = new PassThrough();
  passLines(stream, (line) => lines.push(line));
  for (let i = 0; i < 3; i++) stream.write('x'.repeat(700_000));
  stream.end('\n{"a":1}\n');
  await finished(stream);
  assert.equal(lines.at(-1), '{"a":1}\n');
  assert.ok((lines[0]?.length ?? 0) < 1_000_000);
});
