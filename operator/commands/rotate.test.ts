/** What `rotate` waits for, against an operator that issues a password at once. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { formatTime } from '../core/time.ts';
import { runRotate } from './rotate.ts';
import type { Source } from './source.ts';

/** A user whose password was issued just now. */
function sourceOfUser(): Source {
  let passwordIssuedTime = formatTime(new Date());
  const user = () => ({
    kind: 'SmtpPlusUser' as const,
    namespace: 'shop',
    name: 'app',
    status: { passwordIssuedTime, secretRef: { name: 'app-smtp' } },
  });
  return {
    name: 'a test',
    objects: () => Promise.resolve([user()]),
    object: () => Promise.resolve(user()),
    secret: () => Promise.resolve(undefined),
    rotate: () => {
      passwordIssuedTime = formatTime(new Date());
      return Promise.resolve('The trigger was changed');
    },
    warnings: () => Promise.resolve([]),
    close: () => undefined,
  };
}

describe('rotate', () => {
  test('sees the new password of a user whose last one was issued within the same second', async () => {
    // at the start of a second, so that all of this would fit into it
    await sleep(1000 - (Date.now() % 1000));
    const { code, text } = await runRotate(
      sourceOfUser(),
      { namespace: 'shop', name: 'app' },
      { isLeaked: false, waitMs: 500 },
    );
    assert.equal(code, 0);
    assert.match(text ?? '', /The Secret shop\/app-smtp has a new password/);
  });
});
