import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Sender } from '../spool/entries.ts';
import { createPlaces, type Places } from './places.ts';
import { lineOf } from './sender-queue.ts';

const LIST = 'platform/shared';

function mayBegin(places: Places, sender: Sender): boolean {
  return places.namespace(sender.namespace) && places.line(sender.namespace, lineOf(sender));
}

/** Lets them begin, in turns, until nobody may. What each namespace and user holds then. */
function fill(places: Places, waiting: Record<string, string[]>, concurrency: number): Record<string, number> {
  const namespaces = Object.keys(waiting);
  places.divide(namespaces, concurrency);
  const held: Record<string, number> = {};
  for (let isMore = true; isMore;) {
    isMore = false;
    for (const namespace of namespaces) {
      const user = waiting[namespace]?.find((one) => mayBegin(places, { namespace, user: one, list: LIST }));
      if (user === undefined) continue;
      places.occupy({ namespace, user, list: LIST });
      held[namespace] = (held[namespace] ?? 0) + 1;
      isMore = true;
    }
  }
  return held;
}

describe('places', () => {
  test('are divided among the namespaces that wait, and each has room for another user', () => {
    const users = Array.from({ length: 9 }, (_, i) => `u${i}`);
    assert.deepEqual(fill(createPlaces(), { a: users, b: users }, 40), { a: 20, b: 20 });
    assert.deepEqual(fill(createPlaces(), { a: ['a1'] }, 40), { a: 20 });
  });

  test('that a namespace holds beyond its share take nothing from who comes later', () => {
    const places = createPlaces();
    const users = Array.from({ length: 30 }, (_, i) => `u${i}`);
    const { hog = 0 } = fill(places, { hog: users }, 40);
    assert.ok(hog >= 40);
    const held = fill(places, { hog: users, shop: users, bank: users }, 40);
    assert.deepEqual(held, { shop: 13, bank: 13 });
  });

  test('go to a namespace that holds none, whoever has taken all of them; but not without end', () => {
    const places = createPlaces();
    for (let i = 0; i < 100; i++) places.occupy({ namespace: `n${i}`, user: 'u', list: LIST });
    assert.deepEqual(fill(places, { shop: ['a', 'b'] }, 10), { shop: 1 });
    for (let i = 0; i < 99; i++) places.occupy({ namespace: `m${i}`, user: 'u', list: LIST });
    assert.deepEqual(fill(places, { bank: ['a'] }, 10), {});
  });

  test('that users of one namespace hold are no more than its share while others wait', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ namespace: fc.nat(4), user: fc.nat(6), ends: fc.nat(3) }), { maxLength: 200 }),
        fc.integer({ min: 1, max: 30 }),
        (arrivals, concurrency) => {
          const places = createPlaces();
          const held = new Map<string, (() => void)[]>();
          const everybody = ['0', '1', '2', '3', '4'];
          for (const { namespace: number, user, ends } of arrivals) {
            const namespace = String(number);
            places.divide(everybody, concurrency);
            const own = held.get(namespace) ?? [];
            const share = Math.max(1, Math.floor(concurrency / everybody.length));
            const sender = { namespace, user: String(user), list: LIST };
            if (mayBegin(places, sender)) {
              own.push(places.occupy(sender));
              assert.ok(own.length <= share, `${own.length} of ${share}`);
            } else assert.ok(own.length > 0, 'one that holds none may always begin');
            if (ends === 0) own.shift()?.();
            held.set(namespace, own);
          }
          assert.equal(places.active(), [...held.values()].flat().length);
        },
      ),
    );
  });
});
