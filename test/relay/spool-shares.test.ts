/** Room in the spool by namespace: one that fills its share is refused, and nobody else. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { createSpoolIndex } from '../../relay/spool/entries.ts';
import { openSpool } from '../../relay/spool/spool.ts';
import { createShares } from '../../relay/spool/shares.ts';
import { newRecord } from '../../relay/spool/record.ts';
import { watchSpool } from '../../relay/observe/spool-warning.ts';
import { createMetrics } from '../../relay/observe/metrics.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { aMessage, captureLog, inMemory } from '../support/queued.ts';

const MIB = 1024 * 1024;
/** More than fit anywhere here. */
const MANY = 10_000;

/** A spool of so much room, in which messages are only counted. */
function start({ bytes = 1000 * MIB, messages = 1_000_000, percent = 50, reserveBytes = 0 } = {}) {
  const index = createSpoolIndex(createMetrics(), messages);
  const settings = { percent };
  const freeBytes = () => bytes - index.usage().bytes;
  const shares = createShares({ index, freeBytes, reserveBytes: () => reserveBytes, percent: () => settings.percent });
  const put = (namespace: string, size: number) => {
    const message = aMessage({ namespace, size });
    index.set(message.id, newRecord(message, { isFile: true }));
  };
  /** Puts until there is no room in its share; how many that were. */
  const fill = (namespace: string, size: number): number => {
    let count = 0;
    for (; count < MANY && shares.fits(size, namespace); count++) put(namespace, size);
    return count;
  };
  return { shares, put, fill, settings, index };
}

describe('the share of a namespace', () => {
  test('is half of what others leave, in bytes: each further one finds room', () => {
    const { fill } = start();
    assert.deepEqual([fill('a', MIB), fill('b', MIB), fill('c', MIB)], [500, 250, 125]);
  });

  test('is half of the messages that may wait, too', () => {
    const { fill } = start({ messages: 100 });
    assert.deepEqual([fill('a', 1), fill('b', 1)], [50, 25]);
  });

  test('counts what is coming in as well', () => {
    const { fill, shares } = start();
    shares.incoming('a', 300 * MIB);
    assert.equal(fill('a', MIB), 350);
    shares.incoming('a', -300 * MIB);
    assert.equal(fill('a', MIB), 150);
  });

  test('grows when others have gone, and with its setting', () => {
    const { fill, settings } = start({ percent: 10 });
    assert.equal(fill('a', MIB), 100);
    settings.percent = 50;
    assert.equal(fill('a', MIB), 400);
  });

  test('is all of it with 100 percent', () => {
    assert.equal(start({ messages: 10, percent: 100 }).shares.fits(2000 * MIB, 'a'), true);
  });
});

async function aSpool(t: TestContext, most: number) {
  const { log } = captureLog();
  const options = { metrics: createMetrics(), log, reserveBytes: () => 0, mostMessages: most };
  const spool = await openSpool(await folderOf(t), { ...options, namespacePercent: () => 50 });
  t.after(() => spool.close());
  return spool;
}

test('a namespace that has filled its share is refused in its own name, until some of it has gone', async (t) => {
  const spool = await aSpool(t, 8);
  const messages = Array.from({ length: 4 }, () => aMessage({ namespace: 'hog' }));
  for (const message of messages) await spool.put(message, inMemory());
  const refusal = spool.refusal(1, 'hog');
  assert.deepEqual([refusal?.code, refusal?.reason], [452, 'share_full']);
  assert.match(refusal?.lines[0] ?? '', /Namespace hog has filled its share/);
  assert.equal(spool.refusal(1, 'shop'), undefined);
  assert.equal(spool.refusal(1, undefined), undefined);
  await spool.settle(messages[0]?.id ?? '', { reports: [] });
  assert.equal(spool.refusal(1, 'hog'), undefined);
});

describe('a spool that is nearly full', () => {
  function watched(t: TestContext, scene: ReturnType<typeof start>) {
    const metrics = createMetrics();
    const { log, lines } = captureLog();
    const warning = watchSpool({ fill: (bound) => scene.shares.fill(bound), metrics, log, lookMs: 1 });
    t.after(warning.close);
    return { warning, metrics, lines };
  }

  test('is told once, with the namespaces that fill it, and again when it has room', async (t) => {
    const scene = start({ messages: 100, percent: 90 });
    const { warning, metrics, lines } = watched(t, scene);
    for (let i = 0; i < 85; i++) scene.put('hog', 1);
    await until(() => warning.state().percent === 85);
    assert.deepEqual(warning.state().namespaces, { hog: 94 });
    const { values } = await metrics.spoolNamespaceFill.get();
    assert.deepEqual(values[0]?.labels, { namespace: 'hog' });
    for (const { id } of [...scene.index.entries()].slice(10)) scene.index.remove(id);
    await until(() => warning.state().percent === 10);
    assert.deepEqual(
      lines.map(({ level, namespace, msg }) => [level, namespace, String(msg).replace(/:.*/, '')]),
      [
        ['warn', 'hog', 'the share of a namespace in the spool is nearly full'],
        ['warn', undefined, 'the spool is nearly full'],
        ['info', 'hog', 'the share of a namespace in the spool has room again'],
        ['info', undefined, 'the spool has room again'],
      ],
    );
    assert.deepEqual((await metrics.spoolNamespaceFill.get()).values, []);
  });

  test('is one whose disk has little more than the reserve, whoever fills it', () => {
    assert.equal(start({ bytes: 10 * MIB, reserveBytes: 64 * MIB }).shares.fill(0.7).spool, 0.9);
  });
});
