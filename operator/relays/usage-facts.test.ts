import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { UsageReport } from '../../relay/observe/usage-report.ts';
import { createUsageFacts } from './usage-facts.ts';

const MONTH = '2026-01';
const SINCE = '2026-01-01T00:00:00.000Z';

function report(users: UsageReport['users'], lists: UsageReport['lists'] = {}, since = SINCE): UsageReport {
  return { since, lists, users };
}

/** Time goes on by whole seconds. */
function start(t: TestContext, { objects, holdMs = 0 }: { objects: string[]; holdMs?: number }) {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: Date.UTC(2026, 0, 15) });
  let now = 0;
  const changed: string[][] = [];
  const facts = createUsageFacts({
    objects: () => objects,
    onChange: (some) => void changed.push([...some]),
    now: () => now,
    holdMs,
  });
  t.after(facts.close);
  const pass = (seconds: number): readonly string[] => {
    const before = changed.length;
    for (let i = 0; i < seconds; i++) {
      now += 1000;
      t.mock.timers.tick(1000);
    }
    return changed.slice(before).flat();
  };
  return { facts, pass };
}

const USER = 'SmtpPlusUser shop/app';

describe('what relays tell of use', () => {
  test('is added up over all of them', (t) => {
    const { facts, pass } = start(t, { objects: [USER, 'SmtpPlusList shop/house', 'SmtpPlusUser shop/quiet'] });
    const [login, message] = ['2026-01-01T10:02:03.000Z', '2026-01-01T11:04:05.000Z'];
    const tally = { accepted: 2, recipients: 3, bytes: 10, delivered: 1, bounced: 1, refused: { a: 1, b: 2 } };
    const other = { accepted: 1, refused: { c: 1, d: 1, e: 1, f: 1, g: 1, b: 5 }, lastMessage: message };
    facts.take(
      new Map([
        ['relay-0', report({ 'shop/app': { ...tally, lastLogin: login } }, { 'shop/house': tally })],
        ['relay-1', report({ 'shop/app': other }, {}, '2026-01-01T05:00:00.000Z')],
      ]),
    );
    assert.equal(facts.of(USER), undefined);
    assert.equal(pass(1).length, 3);
    const counted = { recipients: 3, bytes: 10, delivered: 1, bounced: 1, deferred: 0 };
    assert.deepEqual(facts.of(USER), {
      traffic: {
        since: '2026-01-01T00:00:00Z',
        accepted: 3,
        ...counted,
        refused: 13,
        refusals: [{ reason: 'b', count: 7 }, ...['a', 'c', 'd', 'e'].map((reason) => ({ reason, count: 1 }))],
      },
      lastUsedTime: '2026-01-01T11:00:00Z',
      month: { name: MONTH, messages: 0 },
    });
    assert.equal(facts.of('SmtpPlusList shop/house')?.traffic?.accepted, 2);
    assert.deepEqual(facts.of('SmtpPlusUser shop/quiet'), { month: { name: MONTH, messages: 0 } });
  });

  test('is no news where only the day that it is about has gone on', (t) => {
    const { facts, pass } = start(t, { objects: [USER, 'SmtpPlusUser shop/quiet'] });
    const take = (since: string, accepted = 1) =>
      facts.take(new Map([['relay-0', report({ 'shop/app': { accepted } }, {}, since)]]));
    take('2026-01-01T00:00:00.000Z');
    assert.equal(pass(1).length, 2);
    take('2026-01-01T01:00:00.000Z');
    assert.deepEqual(pass(10), []);
    assert.equal(facts.of(USER)?.traffic?.since, '2026-01-01T00:00:00Z');
    take('2026-01-01T02:00:00.000Z', 2);
    assert.deepEqual(pass(10), [USER]);
    assert.equal(facts.of(USER)?.traffic?.since, '2026-01-01T02:00:00Z');
  });

  test('changes no fact more often than every few minutes, and not all at once', (t) => {
    const objects = Array.from({ length: 100 }, (_, i) => `SmtpPlusUser shop/app-${i}`);
    const { facts, pass } = start(t, { objects, holdMs: 60_000 });
    const take = (accepted: number) => {
      const users = objects.map((object) => [object.slice('SmtpPlusUser '.length), { accepted }]);
      facts.take(new Map([['relay-0', report(Object.fromEntries(users))]]));
    };
    take(1);
    assert.deepEqual([pass(1).length, pass(1).length, pass(1).length, pass(1).length], [40, 40, 20, 0]);
    take(2);
    assert.deepEqual(pass(50), []);
    take(3);
    assert.equal(new Set(pass(20)).size, 100);
    assert.equal(facts.of(objects[99] ?? '')?.traffic?.accepted, 3);
    // what has become what it was again need not be told
    take(4);
    take(3);
    assert.deepEqual(pass(100), []);
  });

  test('waits for a relay that does not answer, and then goes on without it', (t) => {
    const { facts, pass } = start(t, { objects: [USER] });
    const one = report({ 'shop/app': { accepted: 1 } });
    const answers = new Map([
      ['relay-0', one],
      ['relay-1', undefined],
    ]);
    for (let i = 0; i < 3; i++) facts.take(answers);
    assert.deepEqual(pass(5), []);
    facts.take(answers);
    assert.deepEqual(pass(5), [USER]);
  });

  test('counts what a relay has told last while it is silent or replaced, and not for ever', (t) => {
    const { facts, pass } = start(t, { objects: [USER] });
    const one = report({ 'shop/app': { accepted: 1 } });
    const both = new Map([
      ['relay-0', one],
      ['relay-1', one],
    ]);
    facts.take(both);
    pass(1);
    assert.equal(facts.of(USER)?.traffic?.accepted, 2);
    facts.take(new Map(both).set('relay-1', undefined as never));
    facts.take(new Map([['relay-0', one]]));
    assert.deepEqual(pass(500), []);
    // none is ready for a moment
    facts.take(new Map());
    assert.deepEqual(pass(101), []);
    facts.take(new Map([['relay-0', one]]));
    assert.deepEqual(pass(1), [USER]);
    assert.equal(facts.of(USER)?.traffic?.accepted, 1);
  });

  test('adds up the month of quotas, and leaves out what is of another one', (t) => {
    const { facts, pass } = start(t, { objects: [USER] });
    const of = (name: string, messages: number) => report({ 'shop/app': { month: { name, messages } } });
    facts.take(
      new Map([
        ['relay-0', of(MONTH, 3)],
        ['relay-1', of(MONTH, 4)],
        ['relay-2', of('2001-01', 500)],
      ]),
    );
    pass(1);
    assert.deepEqual(facts.of(USER)?.month, { name: MONTH, messages: 7 });
  });

  test('says of a pause at once, however many other facts wait', (t) => {
    const objects = [...Array.from({ length: 100 }, (_, i) => `SmtpPlusUser shop/app-${i}`), USER];
    const { facts, pass } = start(t, { objects, holdMs: 60_000 });
    const paused = { since: '2026-01-01T01:02:03.456Z', bounced: 11, judged: 50, resume: '' };
    const other = { ...paused, since: '2026-01-01T00:00:00.000Z', resume: 'old' };
    facts.take(
      new Map([
        ['relay-0', report({ 'shop/app': { paused } })],
        ['relay-1', report({ 'shop/app': { paused: other } })],
      ]),
    );
    assert.deepEqual(facts.of(USER)?.paused, { since: '2026-01-01T01:02:03Z', bounced: 11, of: 50, resume: '' });
    assert.equal(pass(10).length, 100);
  });

  test('is forgotten of what is gone', (t) => {
    const objects = [USER];
    const { facts, pass } = start(t, { objects });
    const answers = new Map([['relay-0', report({ 'shop/app': { accepted: 1 } })]]);
    facts.take(answers);
    pass(1);
    objects.length = 0;
    facts.take(answers);
    assert.deepEqual(pass(1), []);
    assert.equal(facts.of(USER), undefined);
    assert.equal(facts.all().size, 0);
  });

  test('is nothing that is still to come, where the clock of a relay is ahead', (t) => {
    const { facts, pass } = start(t, { objects: [USER] });
    facts.take(new Map([['relay-0', report({ 'shop/app': { logins: 1, lastLogin: '2999-01-01T00:00:00.000Z' } })]]));
    pass(1);
    assert.ok(Date.parse(facts.of(USER)?.lastUsedTime ?? '') <= Date.now());
  });
});
