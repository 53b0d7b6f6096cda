import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProgrammedFact } from '../core/model.ts';
import { until } from '../../test/support/until.ts';
import { startDelivery } from './delivery.ts';

describe('the delivery of documents', () => {
  /** A delivery to one class without pods; `refuse` says which documents the API server does not take. */
  function start(t: TestContext, refuse: (fileName: string) => boolean = () => false) {
    const texts = new Map<string, string>();
    const writes: string[] = [];
    const facts: ProgrammedFact[] = [];
    const leftOut: string[] = [];
    const delivery = startDelivery({
      secrets: {
        synced: Promise.resolve(),
        hasSynced: () => true,
        nameOf: ({ fileName }) => fileName,
        holds: () => true,
        write: async ({ fileName, text }) => {
          if (refuse(fileName)) throw new Error('422 too long');
          writes.push(`${fileName} ${text}`);
          return true;
        },
      },
      pods: { synced: Promise.resolve(), hasSynced: () => true, ofClass: () => [], bump: async () => undefined },
      read: ({ fileName }) => ({
        text: texts.get(fileName) ?? '',
        leftOut: fileName === 'full' ? ['greedy/list'] : [],
      }),
      backlog: () => 0,
      onProgrammed: (_, fact) => void facts.push(fact),
      onLeftOut: (_, keys) => void leftOut.push(...keys),
      onWritten: () => undefined,
      onDone: () => undefined,
    });
    t.after(delivery.close);
    const offer = (fileName: string, text: string): void => {
      texts.set(fileName, text);
      delivery.offer({ className: 'default', fileName });
    };
    return { offer, writes, facts, leftOut, delivery };
  }

  test('of a burst of changes is a few writes, the last of them with the last text', async (t) => {
    const { offer, writes } = start(t);
    for (let i = 0; i < 500; i++) {
      offer('shard', String(i));
      if (i % 50 === 0) await sleep(5);
    }
    await until(() => writes.at(-1) === 'shard 499' || undefined);
    assert.ok(writes.length <= 3, `${writes.length} writes`);
  });

  test('goes on where one of them cannot be written, and says of that one why', async (t) => {
    let isRefused = true;
    const { offer, writes, facts, delivery } = start(t, (fileName) => isRefused && fileName === 'bad');
    offer('bad', 'one');
    offer('good', 'one');
    await until(() => facts.at(-1)?.unwritten?.['bad']);
    assert.deepEqual(writes, ['good one']);
    assert.deepEqual(Object.keys(delivery.written()['default'] ?? {}), ['good']);
    assert.match(facts.at(-1)?.unwritten?.['bad'] ?? '', /cannot be written: 422 too long/);
    isRefused = false;
    await until(() => writes.includes('bad one') || undefined);
    await until(() => facts.at(-1)?.unwritten === undefined || undefined);
  });

  test('tells which entries a document has no room for', async (t) => {
    const { offer, leftOut } = start(t);
    offer('full', 'text');
    await until(() => leftOut.includes('greedy/list') || undefined);
  });
});
