import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createContested } from './contested.ts';

function start() {
  const troubles: string[] = [];
  let now = 1000;
  const contested = createContested(
    (message) => troubles.push(message),
    () => now,
  );
  const wait = (seconds: number): void => void (now += seconds * 1000);
  /** Somebody else writes, then we do. */
  const round = (key: string): void => {
    contested.onTold('SmtpPlusList', key, `theirs at ${now}`);
    contested.onWritten('SmtpPlusList', key, `ours at ${now}`);
  };
  const isLeft = (key: string): boolean => contested.isLeft('SmtpPlusList', key);
  return { ...contested, troubles, wait, round, isLeft };
}

describe('a status that somebody else replaces each time', () => {
  test('is left alone after five rounds, with one line in the log however many there are', () => {
    const { round, isLeft, troubles, count } = start();
    for (let i = 0; i < 4; i++) round('shop/a');
    assert.deepEqual([isLeft('shop/a'), troubles], [false, []]);
    for (const key of ['shop/a', ...Array.from({ length: 5 }, () => 'shop/b')]) round(key);
    assert.deepEqual([isLeft('shop/a'), isLeft('shop/b'), isLeft('shop/c'), count()], [true, true, false, 2]);
    assert.equal(troubles.length, 1);
    assert.match(troubles[0] ?? '', /^the status of SmtpPlusList shop\/a .*reportsUnknownClasses/);
  });

  test('is written again after ten minutes, and left again after as many rounds', () => {
    const { round, isLeft, wait, troubles } = start();
    for (let i = 0; i < 5; i++) round('shop/a');
    wait(599);
    assert.equal(isLeft('shop/a'), true);
    wait(2);
    for (let i = 0; i < 4; i++) round('shop/a');
    assert.equal(isLeft('shop/a'), false);
    round('shop/a');
    assert.deepEqual([isLeft('shop/a'), troubles.length], [true, 2]);
  });

  test('is not one that changes now and then, nor one whose change is our own, told before it was answered', () => {
    const { round, isLeft, wait, onTold, onWritten } = start();
    for (let i = 0; i < 20; i++) {
      round('shop/seldom');
      wait(20);
    }
    round('shop/ours');
    for (let i = 0; i < 20; i++) {
      onTold('SmtpPlusList', 'shop/ours', `ours ${i}`);
      onWritten('SmtpPlusList', 'shop/ours', `ours ${i}`);
      // somebody else's, which we let be
      onTold('SmtpPlusList', 'shop/theirs', `theirs ${i}`);
    }
    for (const key of ['shop/seldom', 'shop/ours', 'shop/theirs']) assert.equal(isLeft(key), false, key);
  });
});
