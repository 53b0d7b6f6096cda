import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { describe, test } from 'node:test';
import { replyToStorageFailure } from './storage-failure.ts';

function failure(code: string | number, options?: ErrorOptions): Error {
  return Object.assign(new Error('it failed', options), { code });
}

describe('a message that could not be stored is refused for now', () => {
  for (const [code, reason] of [
    ['ENOSPC', 'disk_full'],
    ['EDQUOT', 'disk_full'],
    ['EROFS', 'disk_failed'],
    ['EIO', 'disk_failed'],
    ['EMFILE', 'too_many_files'],
    ['ENFILE', 'too_many_files'],
  ] as const) {
    test(`with ${reason} after ${code}, named by Node or numbered by lmdb`, () => {
      for (const error of [failure(code), failure(constants.errno[code])]) {
        const reply = replyToStorageFailure(error);
        assert.deepEqual([reply.code, reply.reason], [452, reason]);
      }
    });
  }

  test('by what caused the error, where the error itself has no code', () => {
    const error = new Error('fsync failed', { cause: failure('EIO') });
    assert.equal(replyToStorageFailure(error).reason, 'disk_failed');
  });

  test('as a fault of ours, where nothing says what is wrong', () => {
    for (const error of [new Error('a bug'), failure('EACCES'), 'no error at all', undefined]) {
      const reply = replyToStorageFailure(error);
      assert.deepEqual([reply.code, reply.reason], [451, 'internal']);
    }
  });
});
