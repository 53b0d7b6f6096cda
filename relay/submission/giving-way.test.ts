import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { whoGivesWay, type SessionStanding } from './giving-way.ts';

function chosen(...standings: readonly (Partial<SessionStanding> & { readonly name: string })[]): string | undefined {
  const sessions = standings.map(({ name, ...standing }, i) => ({
    name,
    standing: () => ({ source: 's', namespace: undefined, isIdle: true, waitingSince: i, ...standing }),
  }));
  return whoGivesWay(sessions)?.name;
}

describe('where all places are taken, room is made by', () => {
  test('who has not logged in, before anybody who has', () => {
    assert.equal(chosen({ name: 'user', namespace: 'a' }, { name: 'stranger' }), 'stranger');
  });

  test('a stranger of the source with most of them, who has waited longest', () => {
    const [flood, honest] = ['flood', 'honest'];
    const oldest = { name: 'oldest', source: honest };
    assert.equal(chosen(oldest, { name: 'a', source: flood }, { name: 'b', source: flood }), 'a');
  });

  test('an idle connection of the namespace with most', () => {
    const small = { name: 'small', namespace: 'small' };
    const large = ['a', 'b', 'c'].map((name) => ({ name, namespace: 'large', isIdle: name !== 'a' }));
    assert.equal(chosen(small, ...large), 'b');
  });

  test('another namespace, where the largest is all at work', () => {
    const busy = ['a', 'b'].map((name) => ({ name, namespace: 'large', isIdle: false }));
    assert.equal(chosen(...busy, { name: 'idle', namespace: 'small' }), 'idle');
  });

  test('nobody, where all are at work', () => {
    assert.equal(chosen({ name: 'a', namespace: 'x', isIdle: false }, { name: 'b', isIdle: false }), undefined);
  });
});
