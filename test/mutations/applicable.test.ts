import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { mutations } from './all.ts';

const ROOT = path.join(import.meta.dirname, '../..');

test('each mutation still has its place in the source, and its tests', () => {
  for (const { name, file, from, tests } of mutations) {
    const places = readFileSync(path.join(ROOT, file), 'utf8').split(from).length - 1;
    assert.equal(places, 1, `${name}: ${JSON.stringify(from)} stands ${places} times in ${file}; say it anew`);
    for (const one of tests) assert.ok(existsSync(path.join(ROOT, one)), `${name}: no ${one}`);
  }
});
