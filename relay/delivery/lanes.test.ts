import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aConfig, aList } from '../../test/support/relay-config.ts';
import { aSmartHost } from '../../test/support/upstream.ts';
import { deliverySettingsSchema, type ListConfig } from '../config/config.ts';
import type { SpoolEntry } from '../spool/entries.ts';
import { allowAll } from './allowance.ts';
import { createLanes } from './lanes.ts';
import type { TransportResult } from './transport.ts';
import { deferred } from './upstream-reply.ts';

const down: TransportResult = { kind: 'unreachable', verdict: deferred('4.4.1', 'down') };
const host = aSmartHost(25);

function start(lists: Record<string, ListConfig>) {
  const clock = { now: 0 };
  const lanes = createLanes({
    hostname: () => 'relay.example',
    settings: () => deliverySettingsSchema.parse({}),
    resolve: () => Promise.resolve([]),
    now: () => clock.now,
    random: () => 0,
    captureFolder: '/nowhere',
    onTrouble: () => undefined,
    allow: allowAll,
    onAllowance: () => undefined,
  });
  lanes.reroute(aConfig({ lists }));
  const fail = (list: string): void => {
    for (clock.now of [0, 60_000]) lanes.of(list).health.heard(list, down, clock.now);
  };
  const named = () => lanes.report().map(({ lists }) => lists);
  return { lanes, fail, named };
}

const senderOf = (list: string) => ({ namespace: 'shop', user: 'orders.shop', list });

describe('what is told of the lanes', () => {
  test('names a list whose mail waits behind the failures of another', () => {
    const { lanes, fail, named } = start({ 'shop/a': aList({ upstream: host }), 'shop/b': aList({ upstream: host }) });
    lanes.of('shop/b').waiting.push(senderOf('shop/b'), {} as SpoolEntry);
    fail('shop/a');
    assert.deepEqual(named(), [['shop/a', 'shop/b']]);
  });

  test('names a list whose client is waiting for a place', () => {
    const { lanes, fail, named } = start({ 'shop/a': aList({ upstream: host }), 'shop/b': aList({ upstream: host }) });
    lanes.of('shop/b').clients.push(senderOf('shop/b'), () => false);
    fail('shop/a');
    assert.deepEqual(named(), [['shop/a', 'shop/b']]);
  });

  test('names no list that has gone elsewhere, though others have stayed', () => {
    const { lanes, fail, named } = start({ 'shop/a': aList({ upstream: host }), 'shop/b': aList({ upstream: host }) });
    fail('shop/a');
    fail('shop/b');
    assert.deepEqual(named(), [['shop/a', 'shop/b']]);
    lanes.reroute(aConfig({ lists: { 'shop/a': aList({ upstream: host }), 'shop/b': aList() } }));
    assert.deepEqual(named(), [['shop/a']]);
  });

  test('begins with what fails, and does not go on for ever', () => {
    const lists = Object.fromEntries(
      Array.from({ length: 20_001 }, (_, i) => [`shop/l${String(i).padStart(5, '0')}`, aList()]),
    );
    const { lanes, fail, named } = start({ ...lists, 'shop/down': aList({ upstream: host }) });
    const verdicts = new Map([['x@x.example', { outcome: 'delivered', enhanced: '2.0.0', text: '' } as const]]);
    for (const list of Object.keys(lists)) {
      lanes.of(list).health.heard(list, { kind: 'answered', verdicts, dsnPassedOn: false }, 0);
    }
    fail('shop/down');
    const [first, second = []] = named();
    assert.deepEqual(first, ['shop/down']);
    assert.equal(second.length, 19_999);
  });
});

describe('a change of the configuration', () => {
  const lists = () => ({ 'shop/a': aList({ upstream: { ...host } }), 'shop/b': aList({ upstream: { ...host } }) });

  test('that moves nothing looks at nothing of what waits', () => {
    const { lanes } = start(lists());
    let looks = 0;
    const entry = {
      get list() {
        looks++;
        return 'shop/a';
      },
    };
    lanes.of('shop/a').waiting.push(senderOf('shop/a'), entry as SpoolEntry);
    assert.deepEqual(lanes.reroute(aConfig({ lists: lists() })), new Set());
    assert.equal(looks, 0);
  });

  test('moves what waits for lists that lead elsewhere, and leaves the rest', () => {
    const { lanes } = start(lists());
    const [a, b] = ['shop/a', 'shop/b'].map((list) => ({ list, sender: senderOf(list) }) as SpoolEntry);
    assert.ok(a !== undefined && b !== undefined);
    for (const entry of [a, b]) lanes.of(entry.list).waiting.push(entry.sender, entry);
    const next = { ...lists(), 'shop/b': aList({ upstream: aSmartHost(26) }) };
    assert.deepEqual(lanes.reroute(aConfig({ lists: next })), new Set(['shop/b']));
    assert.equal(lanes.of('shop/a').waiting.shift(), a);
    assert.equal(lanes.of('shop/b').waiting.shift(), b);
  });
});
