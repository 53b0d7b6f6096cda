import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createContested } from './contested.ts';
import { contestedStatus } from './status.ts';

function start() {
  const left: string[] = [];
  let now = 1000;
  const contested = createContested(
    (id) => left.push(id),
    () => now,
  );
  const wait = (seconds: number): void => void (now += seconds * 1000);
  /** Somebody else writes, then we do. */
  const round = (key: string): void => {
    contested.onTold(key, `theirs at ${now}`);
    contested.onWritten(key, `ours at ${now}`);
  };
  return { ...contested, left, wait, round };
}

describe('a status that somebody else replaces each time', () => {
  test('is left alone after five rounds, with one line in the log however many there are', () => {
    const { round, isLeft, left, count } = start();
    for (let i = 0; i < 4; i++) round('shop/a');
    assert.deepEqual([isLeft('shop/a'), left], [false, []]);
    for (const key of ['shop/a', ...Array.from({ length: 5 }, () => 'shop/b')]) round(key);
    assert.deepEqual([isLeft('shop/a'), isLeft('shop/b'), isLeft('shop/c'), count()], [true, true, false, 2]);
    assert.deepEqual(left, ['shop/a']);
    assert.match(contestedStatus('SmtpPlusList shop/a'), /^the status of SmtpPlusList shop\/a .*reportsUnknownClasses/);
  });

  test('is written again after ten minutes, and left again after as many rounds', () => {
    const { round, isLeft, wait, left } = start();
    for (let i = 0; i < 5; i++) round('shop/a');
    wait(599);
    assert.equal(isLeft('shop/a'), true);
    wait(2);
    for (let i = 0; i < 4; i++) round('shop/a');
    assert.equal(isLeft('shop/a'), false);
    round('shop/a');
    assert.deepEqual([isLeft('shop/a'), left.length], [true, 2]);
  });

  test('is not one that changes now and then, nor one whose change is our own, told before it was answered', () => {
    const { round, isLeft, wait, onTold, onWritten } = start();
    for (let i = 0; i < 20; i++) {
      round('shop/seldom');
      wait(20);
    }
    round('shop/ours');
    for (let i = 0; i < 20; i++) {
      onTold('shop/ours', `ours ${i}`);
      onWritten('shop/ours', `ours ${i}`);
      // somebody else's, which we let be
      onTold('shop/theirs', `theirs ${i}`);
    }
    for (const key of ['shop/seldom', 'shop/ours', 'shop/theirs']) assert.equal(isLeft(key), false, key);
  });
});
