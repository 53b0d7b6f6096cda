import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReaders, type ReadersSaid } from './page-readers.ts';

const asking = (workers: () => readonly ReadersSaid[]) => createReaders(workers);
const configured = (tokenHash?: string): ReadersSaid => ({ className: 'default', tokenHash });
const STARTING: ReadersSaid = { className: undefined, tokenHash: undefined };

test('before any configuration is read nobody may read, and after one that names no token everybody may', () => {
  let workers: ReadersSaid[] = [];
  const readers = asking(() => workers);
  assert.equal(readers(), 'nobody');
  workers = [STARTING];
  assert.equal(readers(), 'nobody');
  workers = [STARTING, configured()];
  assert.equal(readers(), 'everybody');
});

test('a token that one worker knows of is needed, whatever the others have read', () => {
  assert.deepEqual(asking(() => [configured(), configured('aa')])(), ['aa']);
});

test('while all workers are being replaced, it stays as they said it last', () => {
  let workers = [configured('aa')];
  const readers = asking(() => workers);
  readers();
  workers = [];
  assert.deepEqual(readers(), ['aa']);
  workers = [STARTING];
  assert.deepEqual(readers(), ['aa']);
});
