import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aClass, aConfig, aList, LIST } from '../../test/support/relay-config.ts';
import { deliverySettingsSchema } from '../config/config.ts';
import { SpoolEntry } from '../spool/entries.ts';
import { ageLimitsOf } from './age-limits.ts';
import { createGoneLists } from './gone-lists.ts';
import type { Lane } from './lanes.ts';
import { takeOverdue } from './overdue.ts';
import { createSenderQueue } from './sender-queue.ts';

const HOUR_MS = 3_600_000;
const NOW = Math.floor(performance.timeOrigin);

/** Mail of a list that is there, and of one that went two hours ago, that nobody has tried. */
function takeOf(hoursOld: Readonly<Record<string, number>>) {
  const relayClass = aClass({ delivery: deliverySettingsSchema.parse({ orphanMaxAgeSeconds: 7200 }) });
  const config = aConfig({ relayClass, lists: { [LIST]: aList() } });
  const goneLists = createGoneLists();
  goneLists.since('gone/list', NOW - 2 * HOUR_MS);
  const lanes = Object.entries(hoursOld).map(([list, hours]) => {
    const waiting = createSenderQueue<SpoolEntry>();
    const sender = { namespace: 'shop', user: 'orders', list };
    const times = { receivedMs: NOW - hours * HOUR_MS, due: NOW };
    waiting.push(
      sender,
      new SpoolEntry(list, sender, { ...sender, ...times, size: 1, isFile: false, delayNoticeSent: true }),
    );
    return { waiting, transport: { label: 'smtp.example:25' } } as unknown as Lane;
  });
  const limitsOf = (entry: SpoolEntry) => ageLimitsOf(entry, { config, goneLists, now: NOW });
  const { overdue } = takeOverdue({ inTurn: () => lanes }, { config, limitsOf, now: NOW });
  return overdue.map(({ entry, reason }) => `${entry.list}: ${reason}`);
}

test('mail of a list that is gone comes to its end though no list ends mail that early', () => {
  assert.deepEqual(takeOf({ [LIST]: 3, 'gone/list': 3 }), ['gone/list: list gone/list is gone']);
});

test('mail comes to its end by the age that its list says', () => {
  assert.deepEqual(takeOf({ [LIST]: 119 }), []);
  assert.deepEqual(takeOf({ [LIST]: 120 }), [`${LIST}: smtp.example:25 has not been reachable`]);
});

test('mail that came after its list went waits as long as what came before', () => {
  assert.deepEqual(takeOf({ 'gone/list': 1 }), ['gone/list: list gone/list is gone']);
  assert.deepEqual(takeOf({ 'other/gone': 100 }), []);
});
