/** What people may do with messages that wait, and what they may not while somebody else deals with them. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { answer } from '../../relay/admin/answer.ts';
import type { AdminRequest, AdminAnswer } from '../../relay/admin/protocol.ts';
import type { AcceptedMessage } from '../../relay/message.ts';
import { createLog } from '../../relay/observe/log.ts';
import { createQueueControl } from '../../relay/delivery/queue-control.ts';
import { createSchedule } from '../../relay/delivery/schedule.ts';
import { createTasks } from '../../relay/delivery/tasks.ts';
import { createMetrics } from '../../relay/observe/metrics.ts';
import type { SpoolEntry } from '../../relay/spool/entries.ts';
import { openSpool } from '../../relay/spool/spool.ts';
import { folderOf } from '../support/folder.ts';
import { aMessage, CONTENT } from '../support/queued.ts';

interface Scene {
  readonly fields?: Readonly<Record<string, Partial<Mine>>>;
  /** How long somebody else may have a message before people are told so; default: longer than any of that takes here. */
  readonly busyMs?: number;
}

async function start(t: TestContext, ids: readonly string[], { fields = {}, busyMs = 60_000 }: Scene = {}) {
  const log = createLog({ write: () => undefined });
  const spool = await openSpool(await folderOf(t), { metrics: createMetrics(), log, reserveBytes: () => 0 });
  t.after(() => spool.close());
  const later = createSchedule<SpoolEntry>();
  const keep = (entry: SpoolEntry): void => later.add(entry);
  const tasks = createTasks({ log, now: () => 0, keep, onEnd: () => undefined });
  const locked = new Set<string>();
  spool.onPut(keep);
  for (const id of ids) {
    await spool.put(aMessage({ id, ...fields[id] }), {
      head: Buffer.alloc(0),
      body: { kind: 'memory', bytes: CONTENT },
    });
  }
  const lanes = { inTurn: () => [] };
  const queue = createQueueControl({
    spool,
    lanes,
    later,
    tasks,
    keep,
    now: () => 0,
    isLocked: (id) => locked.has(id),
    busyMs,
  });
  const inSpool = () => Array.from(spool.entries(), ({ id, isHeld }) => `${id}${isHeld ? ' held' : ''}`);
  return { queue, tasks, spool, later, locked, inSpool, log };
}

type Mine = Pick<AcceptedMessage, 'namespace' | 'list' | 'user'>;
const OURS: Mine = { namespace: 'team-a', list: 'team-a/news', user: 'app.team-a' };
const THEIRS: Mine = { namespace: 'team-b', list: 'team-b/news', user: 'app.team-b' };

describe('a message that people change', () => {
  test('is left alone while it may be another relay’s', async (t) => {
    const { queue, locked, inSpool } = await start(t, ['A', 'B', 'C'], { busyMs: 50 });
    await queue.hold(new Set(['C']), 'me');
    for (const id of ['A', 'C']) locked.add(id);
    assert.deepEqual(
      [...(await queue.drop(new Set(['A', 'B', 'C'])))],
      [
        ['A', 'busy'],
        ['B', 'done'],
        ['C', 'busy'],
      ],
    );
    assert.deepEqual(inSpool().toSorted(), ['A', 'C held']);
    locked.clear();
    assert.deepEqual(
      [...(await queue.release(new Set(['A', 'C'])))],
      [
        ['A', 'same'],
        ['C', 'done'],
      ],
    );
    assert.deepEqual(inSpool().toSorted(), ['A', 'C']);
  });

  test('is changed once its attempt is over, and not where that was its end', async (t) => {
    const { queue, tasks, spool, later, inSpool } = await start(t, ['A', 'B']);
    const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
    for (const entry of later.takeWhere(() => true)) {
      tasks.run(entry, async () => {
        await isOver;
        if (entry.id === 'A') return entry;
        await spool.settle(entry.id, { reports: [] });
        return undefined;
      });
    }
    const held = queue.hold(new Set(['A', 'B']), 'me');
    end();
    assert.deepEqual(
      [...(await held)],
      [
        ['A', 'done'],
        ['B', 'missing'],
      ],
    );
    assert.deepEqual(inSpool(), ['A held']);
    assert.equal((await queue.retry(new Set(['A']))).get('A'), 'same');
    assert.equal(later.next(), undefined, 'it waits for nobody but people');
  });

  test('is changed by one of two at a time, and none of them is lost', async (t) => {
    const { queue, inSpool } = await start(t, ['A']);
    await queue.hold(new Set(['A']), 'me');
    const [released, dropped] = await Promise.all([queue.release(new Set(['A'])), queue.drop(new Set(['A']))]);
    assert.deepEqual([released.get('A'), dropped.get('A')], ['done', 'done']);
    assert.deepEqual(inSpool(), []);
  });

  test('keeps its time where there was nothing to do', async (t) => {
    const { queue, later } = await start(t, ['A']);
    const due = later.next();
    assert.equal((await queue.release(new Set(['A']))).get('A'), 'same');
    assert.equal(later.next(), due);
    assert.equal((await queue.retry(new Set(['A', 'NONE']))).get('NONE'), 'missing');
    assert.equal(later.next(), 0);
  });
});

describe('a message that is named', () => {
  for (const action of ['retry', 'hold', 'release', 'drop'] as const) {
    // what this action would change, if it got to it
    const isTheirsHeld = action === 'release';
    const filters: AdminRequest['select'][] = [
      { namespace: OURS.namespace },
      { list: OURS.list },
      { user: OURS.user },
      { state: isTheirsHeld ? 'waiting' : 'held' },
    ];
    for (const filter of filters) {
      const [by = ''] = Object.keys(filter);
      test(`is left as it is by ${action} where its ${by} is not the one that was given`, async (t) => {
        const { queue, spool, later, log } = await start(t, ['OURS', 'THEIRS'], { fields: { OURS, THEIRS } });
        if (isTheirsHeld) await queue.hold(new Set(['THEIRS']), 'me');
        const isOursHeld = by === 'state' ? !isTheirsHeld : isTheirsHeld;
        if (isOursHeld) await queue.hold(new Set(['OURS']), 'me');
        const before = [spool.look('THEIRS'), spool.entry('THEIRS')];
        const select = { ids: ['THEIRS', 'NONE', 'OURS'], ...filter };
        const answers: AdminAnswer[] = [];
        for await (const one of answer({ spool, queue, log }, { do: action, by: 'me', select, limit: 10 })) {
          answers.push(one);
        }
        const ours = by === 'state' && action !== 'drop' ? 'same' : 'done';
        assert.deepEqual(answers, [
          { changed: 'OURS', outcome: ours },
          { changed: 'THEIRS', outcome: 'unselected' },
          { changed: 'NONE', outcome: 'missing' },
          { end: { matched: 1 } },
        ]);
        assert.deepEqual([spool.look('THEIRS'), spool.entry('THEIRS')], before);
        assert.equal(later.takeWhere(({ id }) => id === 'THEIRS').length, isTheirsHeld ? 0 : 1);
      });
    }
  }
});
