import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Fleet } from '../relays/fleets.ts';
import { doubtful, relayOf, strandedSpools, type SpoolClaim } from './judge.ts';

const FLEET: Fleet = {
  className: 'default',
  name: 'smtp-plus-relay',
  uid: 'f',
  relays: 2,
  volume: 'spool',
  template: {},
};

function claimOf(number: number, messages?: number): SpoolClaim {
  const name = `spool-smtp-plus-relay-${number}`;
  return { className: 'default', name, uid: name, messages, isDrainWanted: false };
}

const numbers = (found: ReturnType<typeof strandedSpools>) => found.map(({ claim }) => claim.name.split('-').at(-1));

describe('spools that no relay reads', () => {
  test('are those whose relay is gone and not wanted any more', () => {
    const claims = [0, 1, 2, 3].map((number) => claimOf(number, 1));
    assert.deepEqual(numbers(strandedSpools(claims, FLEET, new Set(['smtp-plus-relay-0']))), ['2', '3']);
  });

  test('are none while the pod is still there', () => {
    assert.deepEqual(strandedSpools([claimOf(2, 1)], FLEET, new Set(['smtp-plus-relay-2'])), []);
    assert.deepEqual(numbers(strandedSpools([claimOf(12, 1)], FLEET, new Set(['smtp-plus-relay-2']))), ['12']);
  });

  test('are not owned by a pod whose name is the end of that of the relay', () => {
    assert.deepEqual(numbers(strandedSpools([claimOf(2, 1)], FLEET, new Set(['relay-2']))), ['2']);
  });

  test('are none where nothing is left', () => {
    assert.deepEqual(strandedSpools([claimOf(2, 0)], FLEET, new Set()), []);
  });

  test('are there where nobody knows what is left', () => {
    assert.deepEqual(numbers(strandedSpools([claimOf(2)], FLEET, new Set())), ['2']);
  });

  test('are all of a class without relays that have volumes', () => {
    const found = strandedSpools([claimOf(0, 1)], undefined, new Set(['smtp-plus-relay-5b6c-x']));
    assert.deepEqual(
      found.map(({ relay }) => relay),
      [undefined],
    );
  });

  test('are not those of other volumes with the label of the class', () => {
    const other = { ...claimOf(2, 1), name: 'data-smtp-plus-relay-2' };
    assert.deepEqual(strandedSpools([other], FLEET, new Set()), []);
    assert.equal(relayOf({ name: 'spool-smtp-plus-relay-bulk-2' }, FLEET), undefined);
  });
});

describe('a note that nothing was left', () => {
  const claims = [claimOf(1, 0), claimOf(2, 3), claimOf(3), { ...claimOf(2, 0), name: 'data-smtp-plus-relay-2' }];

  test('is doubted after a time in which nobody has watched, of volumes of the fleet', () => {
    const found = doubtful(claims, { fleet: FLEET, unwatchedMs: 60_000 });
    assert.deepEqual(
      found.map(({ name }) => name),
      ['spool-smtp-plus-relay-1'],
    );
  });

  test('is believed where one operator has followed the other', () => {
    assert.deepEqual(doubtful(claims, { fleet: FLEET, unwatchedMs: 17_000 }), []);
  });

  test('is believed where nobody could look', () => {
    assert.deepEqual(doubtful(claims, { fleet: undefined, unwatchedMs: 60_000 }), []);
  });
});
