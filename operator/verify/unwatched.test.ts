import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MailEvidence } from '../core/mail-evidence.ts';
import { formatTime } from '../core/time.ts';
import { afterUnwatched } from './unwatched.ts';

const SINCE = new Date('2026-01-01T12:00:00Z');
const at = (minutes: number): Date => new Date(SINCE.getTime() + minutes * 60_000);
const proof = { time: '2026-01-01T00:00:00Z', by: 'Link', linkHash: 'hash' } as const;
const known: MailEvidence = { mails: [], heeded: [], proof };

describe('of an address that nobody watched', () => {
  test('the proof stays where its object is older than that', () => {
    assert.equal(afterUnwatched(known, { since: SINCE, oldest: at(-1) }), undefined);
    assert.equal(afterUnwatched(known, { since: SINCE, oldest: SINCE }), undefined);
  });

  test('the proof stays where its object was made anew within the hour, and goes where it may have been gone for longer', () => {
    const kept = afterUnwatched(known, { since: SINCE, oldest: at(59) });
    assert.deepEqual([kept?.proof, kept?.goneSince], [proof, undefined]);
    const lost = afterUnwatched(known, { since: SINCE, oldest: at(60) });
    assert.deepEqual([lost?.proof, lost?.goneSince], [undefined, undefined]);
  });

  test('an object that was seen to go counts from then, and the outage is no part of it once it is back', () => {
    const gone = { ...known, goneSince: formatTime(at(-30)) };
    assert.equal(afterUnwatched(gone, { since: SINCE, oldest: at(20) })?.proof, proof);
    assert.equal(afterUnwatched(gone, { since: SINCE, oldest: at(30) })?.proof, undefined);
    // it has named another address meanwhile
    assert.equal(afterUnwatched(gone, { since: SINCE, oldest: at(-300) }), undefined);
  });

  test('one that no object names any more has been gone since then', () => {
    assert.equal(afterUnwatched(known, { since: SINCE, oldest: undefined })?.goneSince, formatTime(SINCE));
    const gone = { ...known, goneSince: formatTime(at(-30)) };
    assert.equal(afterUnwatched(gone, { since: SINCE, oldest: undefined }), undefined);
  });
});
