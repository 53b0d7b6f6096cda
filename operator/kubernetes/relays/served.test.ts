import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Planner } from '../../core/planner-state.ts';
import type { UserParts } from '../../core/relay-entries.ts';
import { createServed } from './served.ts';

/** Users by key, each with its class, or with those whose relays know it as one that cannot be served. */
function start(users: Record<string, string | readonly string[]>, lists: Record<string, string>) {
  const relays = { lists: new Map<string, string>(), users: new Map<string, Partial<UserParts>>() };
  const put = (key: string, classes: string | readonly string[]) => relays.users.set(key, partsOf(classes));
  for (const [key, className] of Object.entries(lists)) relays.lists.set(key, className);
  for (const [key, classes] of Object.entries(users)) put(key, classes);
  const gone = new Set<string>();
  const served = createServed({
    planner: () => ({ relays }) as unknown as Planner,
    exists: (_, key) => !gone.has(key),
  });
  served.look();
  const report = {
    since: '2026-01-01T00:00:00.000Z',
    lists: { 'shop/house': { accepted: 1 }, 'bulk/letters': { accepted: 2 } },
    users: { 'shop/app': { accepted: 3 }, 'bulk/news': { accepted: 4 }, 'shop/nobody': { accepted: 5 } },
  };
  const toldBy = (className: string) => {
    const { lists, users } = served.within(className, report);
    return [...Object.keys(lists), ...Object.keys(users)];
  };
  const remove = (key: string): void => {
    gone.add(key);
    relays.users.delete(key);
    relays.lists.delete(key);
  };
  return { served, toldBy, put, remove };
}

function partsOf(classes: string | readonly string[]): object {
  return typeof classes === 'string' ? { entry: { className: classes } } : { unusable: { classNames: classes } };
}

const LISTS = { 'shop/house': 'default', 'bulk/letters': 'bulk' };
const USERS = { 'shop/app': 'default', 'bulk/news': 'bulk' };

describe('what a relay tells of use', () => {
  test('counts for lists and users of its own class, and for no others', () => {
    const { toldBy } = start(USERS, LISTS);
    assert.deepEqual(toldBy('default'), ['shop/house', 'shop/app']);
    assert.deepEqual(toldBy('bulk'), ['bulk/letters', 'bulk/news']);
    assert.deepEqual(toldBy('other'), []);
  });

  test('counts for users who cannot be served, where its class knows them as such', () => {
    const { toldBy } = start({ 'shop/app': ['default', 'bulk'], 'bulk/news': ['bulk'] }, LISTS);
    assert.deepEqual(toldBy('default'), ['shop/house', 'shop/app']);
    assert.deepEqual(toldBy('bulk'), ['bulk/letters', 'shop/app', 'bulk/news']);
  });

  test('goes on counting for a user who has moved to another class, so that its quota is no larger', () => {
    const { served, toldBy, put } = start(USERS, LISTS);
    put('shop/app', 'bulk');
    served.look();
    assert.ok(toldBy('default').includes('shop/app') && toldBy('bulk').includes('shop/app'));
  });

  test('is forgotten with the object', () => {
    const { served, toldBy, remove } = start(USERS, LISTS);
    remove('shop/app');
    remove('shop/house');
    served.look();
    assert.deepEqual(toldBy('default'), []);
    assert.deepEqual([...served.objects()], ['SmtpPlusList bulk/letters', 'SmtpPlusUser bulk/news']);
  });
});
