import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RelaysFact } from './model.ts';
import { readyWithRoom } from './relay-room.ts';

const ready = { type: 'Ready', status: 'True', reason: 'Ready', message: 'It can send.' } as const;
const relays = (...full: string[]): RelaysFact => ({ isSilent: false, of: 2, full, upstreams: new Map() });
const judge = (fact: RelaysFact | undefined) => readyWithRoom(ready, 'default', fact);

describe('an object whose relays are full', () => {
  test('is not ready where none has room', () => {
    const { status, reason, message } = judge(relays('relay-0', 'relay-1'));
    assert.deepEqual([status, reason], ['False', 'RelaysFull']);
    assert.match(
      message,
      /All 2 relays of class default \(relay-0, relay-1\) have a full spool, so all mail is refused/,
    );
  });

  test('is ready where one has room, and tells of the other', () => {
    const { status, reason, message } = judge(relays('relay-1'));
    assert.deepEqual([status, reason], ['True', 'Ready']);
    assert.match(
      message,
      /^It can send\. 1 of 2 relays of class default \(relay-1\) have a full spool and refuse mail with 452/,
    );
  });

  test('is as it was where all have room, or nobody knows', () => {
    assert.equal(judge(relays()), ready);
    assert.equal(judge(undefined), ready);
  });

  test('keeps a reason of its own', () => {
    const inactive = { ...ready, status: 'False', reason: 'NoVerifiedSender' } as const;
    assert.equal(readyWithRoom(inactive, 'default', relays('relay-0', 'relay-1')), inactive);
  });
});
