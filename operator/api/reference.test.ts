import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kindNames } from './kinds.ts';
import { referenceTables } from './reference.ts';

describe('the reference of the kinds', () => {
  const text = referenceTables();
  const row = (field: string): string | undefined =>
    text.split('\n').find((line) => line.startsWith(`| \`${field}\` |`));

  test('has a section for each kind', () => {
    assert.deepEqual(
      [...text.matchAll(/^## (\w+)$/gm)].map(([, kind]) => kind),
      kindNames,
    );
  });

  test('says type, default and meaning of a field, however deep', () => {
    assert.equal(row('upstream.port'), '| `upstream.port` | 1 to 65535 | `587` | Port of the smart host. |');
    assert.match(row('upstream.host') ?? '', /\| string \| required \|/);
    assert.match(row('mode') ?? '', /\| `Live` \|/);
    assert.match(row('senders[].state') ?? '', /`Verified`, `Pending`, `NotCovered`/);
  });

  test('gives every row of a table as many cells as its head', () => {
    for (const block of text.split('\n\n').filter((one) => one.startsWith('|'))) {
      const counts = block.split('\n').map((line) => line.split(/(?<!\\)\|/).length);
      assert.equal(new Set(counts).size, 1, block);
    }
  });
});
