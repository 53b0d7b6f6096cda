import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { UpstreamTrouble } from '../../relay/observe/upstream-report.ts';
import { createRelayReports, type RelayAnswer } from './reports.ts';

const MINUTE = 60_000;
const at = (minute: number): string => new Date(minute * MINUTE).toISOString().replace('.000Z', 'Z');
const troubled = (since: number, time: number, error = 'down'): UpstreamTrouble => ({
  since: at(since),
  time: at(time),
  error,
});

/** Of lists (`name`), each well or with its trouble. */
function answer(
  lists: Readonly<Record<string, UpstreamTrouble | undefined>>,
  { isFull = false, startTime = at(0) } = {},
): RelayAnswer {
  const upstreams = Object.entries(lists).map(([list, trouble]) =>
    trouble === undefined ? { lists: [list] } : { lists: [list], trouble },
  );
  return { upstreams, isFull, startTime };
}

function start() {
  const clock = { minute: 0 };
  let changes = 0;
  const reports = createRelayReports({ now: () => clock.minute * MINUTE, onChange: () => void (changes += 1) });
  return {
    clock,
    changes: () => changes,
    take: (answers: Readonly<Record<string, RelayAnswer | undefined>>) =>
      reports.take('default', new Map(Object.entries(answers))),
    fact: () => reports.of('default'),
    upstream: (list = 'shop/a') => reports.of('default')?.upstreams.get(list),
  };
}

describe('what relays tell', () => {
  test('is nothing before they were asked, and nothing of lists without mail once they were', () => {
    const { take, fact } = start();
    assert.equal(fact(), undefined);
    take({});
    assert.equal(fact(), undefined);
    take({ 'relay-0': answer({}) });
    assert.deepEqual(fact(), { isSilent: false, of: 1, full: [], upstreams: new Map() });
  });

  test('is put together: who fails, since the earliest, with the latest error', () => {
    const { take, upstream } = start();
    take({
      'relay-2': answer({ 'shop/a': troubled(2, 9, 'late') }),
      'relay-0': answer({ 'shop/a': troubled(1, 8, 'early') }),
      'relay-1': answer({ 'shop/a': undefined }),
    });
    assert.deepEqual(upstream(), { failing: ['relay-0', 'relay-2'], of: 3, trouble: troubled(1, 9, 'late') });
  });

  test('costs nothing where nothing has changed, however often it is told', () => {
    const { take, changes, clock } = start();
    for (clock.minute = 0; clock.minute < 100; clock.minute++) {
      take({ 'relay-0': answer({ 'shop/a': undefined, 'shop/b': undefined }) });
    }
    assert.equal(changes(), 1);
  });

  test('stays so for a minute, whatever happens meanwhile', () => {
    const { take, upstream, changes, clock } = start();
    take({ 'relay-0': answer({ 'shop/a': troubled(0, 0) }) });
    for (clock.minute = 0.1; clock.minute < 0.9; clock.minute += 0.1) {
      take({ 'relay-0': answer({ 'shop/a': undefined }) });
      take({ 'relay-0': answer({ 'shop/a': troubled(clock.minute, clock.minute) }) });
    }
    assert.deepEqual([upstream()?.failing, changes()], [['relay-0'], 1]);
    clock.minute = 1;
    const well = answer({ 'shop/a': undefined });
    take({ 'relay-0': well });
    assert.deepEqual([upstream()?.failing, changes()], [[], 2]);
    // the next minute begins, and what is withheld then comes by itself, though the relay says nothing new
    const down = answer({ 'shop/a': troubled(1, 1) });
    clock.minute = 1.5;
    take({ 'relay-0': down });
    clock.minute = 2;
    take({ 'relay-0': down });
    assert.deepEqual([upstream()?.failing, changes()], [['relay-0'], 3]);
  });

  test('renews the last error the more rarely the longer it lasts', () => {
    const { take, upstream, clock } = start();
    const told: (string | undefined)[] = [];
    for (clock.minute = 0; clock.minute <= 60; clock.minute += 0.5) {
      take({ 'relay-0': answer({ 'shop/a': troubled(0, clock.minute, `session ${clock.minute}`) }) });
      const last = upstream()?.trouble?.error;
      if (told.at(-1) !== last) told.push(last);
    }
    const minutes = told.map((error) => Number(error?.split(' ')[1]));
    assert.deepEqual(minutes, [0, 1, 2, 4, 8, 16, 26, 36, 46, 56]);
  });

  test('is not forgotten for a restart of relays, which know nothing yet', () => {
    const { take, upstream, clock } = start();
    take({ 'relay-0': answer({ 'shop/a': troubled(0, 1) }) });
    clock.minute = 10;
    take({ 'relay-0': answer({}, { startTime: at(10) }) });
    assert.deepEqual(upstream()?.failing, ['relay-0']);
    clock.minute = 14;
    const knowsNothing = answer({}, { startTime: at(10) });
    take({ 'relay-0': knowsNothing });
    assert.deepEqual(upstream()?.failing, ['relay-0']);
    clock.minute = 15;
    take({ 'relay-0': knowsNothing });
    assert.equal(upstream(), undefined);
  });

  test('is over for a restart where a relay that was there says that it is', () => {
    const { take, upstream, clock } = start();
    take({ 'relay-0': answer({ 'shop/a': troubled(0, 1) }) });
    clock.minute = 10;
    take({ 'relay-0': answer({ 'shop/a': undefined }, { startTime: at(10) }) });
    assert.deepEqual(upstream()?.failing, []);
  });

  test('is forgotten at once where a relay that runs on knows nothing of the list any more', () => {
    const { take, upstream, clock } = start();
    take({ 'relay-0': answer({ 'shop/a': troubled(0, 1) }) });
    clock.minute = 0.5;
    take({ 'relay-0': answer({}) });
    assert.equal(upstream(), undefined);
  });

  test('stays what a relay said last while it does not answer', () => {
    const { take, upstream } = start();
    take({ 'relay-0': answer({ 'shop/a': troubled(0, 1) }), 'relay-1': answer({}) });
    take({ 'relay-0': undefined, 'relay-1': answer({}) });
    assert.deepEqual(upstream()?.failing, ['relay-0']);
    assert.deepEqual([upstream()?.of], [2]);
  });

  test('is not forgotten for a relay that goes, for it may come back', () => {
    const { take, upstream, clock } = start();
    take({ 'relay-0': answer({ 'shop/a': troubled(0, 1) }), 'relay-1': answer({}) });
    clock.minute = 10;
    take({ 'relay-1': answer({}) });
    assert.deepEqual(upstream()?.failing, ['relay-0']);
    clock.minute = 15;
    take({ 'relay-1': answer({}) });
    assert.equal(upstream(), undefined);
  });

  test('is nothing any more once none has answered for a while', () => {
    const { take, fact, clock } = start();
    take({ 'relay-0': answer({ 'shop/a': undefined }) });
    take({ 'relay-0': undefined });
    clock.minute = 1;
    take({ 'relay-0': undefined });
    assert.equal(fact()?.isSilent, false);
    clock.minute = 1.5;
    take({ 'relay-0': undefined });
    assert.deepEqual(fact(), { isSilent: true, of: 0, full: [], upstreams: new Map() });
    clock.minute = 3;
    take({ 'relay-0': answer({ 'shop/a': undefined }) });
    assert.deepEqual([fact()?.isSilent, fact()?.upstreams.size], [false, 1]);
  });

  test('says whose disks are full', () => {
    const { take, fact } = start();
    take({ 'relay-1': answer({}, { isFull: true }), 'relay-0': answer({}) });
    assert.deepEqual([fact()?.full, fact()?.of], [['relay-1'], 2]);
  });
});
