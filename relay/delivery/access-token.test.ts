import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokenSource } from './access-token.ts';

/** Gives out `t1`, `t2` and so on, each good for 100 seconds; `hold` makes the answers wait. */
function aSource() {
  let time = 0;
  let count = 0;
  let answer = (): Promise<void> => Promise.resolve();
  const tokens = createTokenSource(
    async () => {
      const token = `t${++count}`;
      await answer();
      return { token, seconds: 100 };
    },
    () => time,
  );
  return {
    tokens,
    count: () => count,
    at: (seconds: number) => {
      time = seconds * 1000;
    },
    answerBy: (next: () => Promise<void>) => {
      answer = next;
    },
  };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('connections that open together share one request', async () => {
  const { tokens, count } = aSource();
  assert.deepEqual(await Promise.all([tokens.get(), tokens.get(), tokens.get()]), ['t1', 't1', 't1']);
  assert.equal(count(), 1);
});

test('a token is used until it nears its end, and replaced ahead of it without anybody waiting', async () => {
  const { tokens, count, at, answerBy } = aSource();
  await tokens.get();
  at(79);
  assert.equal(await tokens.get(), 't1');
  assert.equal(count(), 1);
  at(81);
  const { promise, resolve } = Promise.withResolvers<void>();
  answerBy(() => promise);
  assert.equal(await tokens.get(), 't1');
  assert.equal(await tokens.get(), 't1');
  assert.equal(count(), 2);
  resolve();
  await settled();
  assert.equal(await tokens.get(), 't2');
});

test('while the server of tokens is down, the present one is used to its end, and then there is none', async () => {
  const { tokens, at, answerBy } = aSource();
  await tokens.get();
  answerBy(() => Promise.reject(new Error('down')));
  at(85);
  assert.equal(await tokens.get(), 't1');
  await settled();
  at(91);
  await assert.rejects(tokens.get(), /down/);
  answerBy(() => Promise.resolve());
  assert.equal(await tokens.get(), 't4');
});

test('a refused token is not used again, and a newer one is not thrown away with it', async () => {
  const { tokens, count } = aSource();
  const first = await tokens.get();
  tokens.refused(first);
  assert.equal(await tokens.get(), 't2');
  tokens.refused(first);
  assert.equal(await tokens.get(), 't2');
  assert.equal(count(), 2);
});
