import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../test/support/eventually.ts';
import type { DnsEvidence } from '../core/model.ts';
import type { Lookup } from '../core/senders/look-ups.ts';
import type { Observation, RecordQuestion } from './look-up.ts';
import { createProber, type ProberOptions } from './prober.ts';

const DUE = '2026-01-01T00:00:00Z';
const FOUND: Observation = { outcome: 'found', detail: 'it is there' };

function lookupOf(sender: string, due = DUE): Lookup {
  return { sender, recordName: `_c.${sender}`, recordValue: 'v', due };
}

function start(t: TestContext, options: Partial<ProberOptions<Lookup>> = {}) {
  const asked: string[] = [];
  const answers: ((observation: Observation) => void)[] = [];
  const kept = new Map<string, DnsEvidence>();
  const troubles: string[] = [];
  const prober = createProber({
    lookUp: ({ recordName }: RecordQuestion) => {
      asked.push(recordName.slice('_c.'.length));
      return new Promise((resolve) => answers.push(resolve));
    },
    evidenceOf: (sender) => kept.get(sender),
    onEvidence: async (sender, evidence) => void kept.set(sender, evidence),
    onTrouble: (message) => troubles.push(message),
    ...options,
  });
  t.after(prober.close);
  return { prober, asked, answers, kept, troubles };
}

describe('the prober', () => {
  test('asks when a look-up is due, keeps what comes of it, and rests', async (t) => {
    const { prober, answers, kept } = start(t);
    prober.set('shop/a', lookupOf('shop/a'));
    const answer = await until(() => answers[0]);
    assert.ok(!prober.isIdle());
    answer(FOUND);
    const evidence = await until(() => kept.get('shop/a'));
    assert.deepEqual([evidence.outcome, evidence.recordName], ['found', '_c.shop/a']);
    await until(() => prober.isIdle());
  });

  test('asks about nothing that is not due, or wanted no more', async (t) => {
    const { prober, asked } = start(t);
    prober.set('shop/later', lookupOf('shop/later', '2999-01-01T00:00:00Z'));
    prober.set('shop/gone', lookupOf('shop/gone'));
    prober.set('shop/gone', undefined);
    prober.set('shop/now', lookupOf('shop/now'));
    await until(() => asked.length > 0);
    await sleep(50);
    assert.deepEqual(asked, ['shop/now']);
  });

  test('has only so many look-ups under way, and lets namespaces take turns', async (t) => {
    const { prober, asked, answers } = start(t, { atOnce: 2 });
    for (let index = 0; index < 100; index++) prober.set(`crowd/s${index}`, lookupOf(`crowd/s${index}`));
    prober.set('shop/a', lookupOf('shop/a'));
    await until(() => asked.length === 2);
    await sleep(50);
    assert.equal(asked.length, 2);
    for (let index = 0; !asked.includes('shop/a'); index++) (await until(() => answers[index]))(FOUND);
    assert.ok(asked.length <= 4, `asked ${asked.length} before the other namespace`);
  });

  test('does not ask again at once, however often somebody touches the object', async (t) => {
    const { prober, asked, answers } = start(t, { shortestMs: 60_000 });
    prober.set('shop/a', lookupOf('shop/a'));
    (await until(() => answers[0]))(FOUND);
    await until(() => prober.isIdle());
    for (let index = 0; index < 50; index++) {
      prober.set('shop/a', undefined);
      prober.set('shop/a', { ...lookupOf('shop/a'), touched: String(index) });
      await sleep(1);
    }
    assert.deepEqual(asked, ['shop/a']);
  });

  test('asks what is wanted last, where that has changed while it was asking', async (t) => {
    const { prober, asked, answers } = start(t, { shortestMs: 1 });
    prober.set('shop/a', lookupOf('shop/a'));
    const answer = await until(() => answers[0]);
    prober.set('shop/a', { ...lookupOf('shop/a'), recordName: '_c.other' });
    answer(FOUND);
    await until(() => asked.length === 2);
    assert.deepEqual(asked, ['shop/a', 'other']);
  });

  test('says what could not be kept, and goes on with the others', async (t) => {
    const failing = start(t, {
      onEvidence: async (sender) => {
        if (sender === 'shop/a') throw new Error('no space left');
      },
    });
    failing.prober.set('shop/a', lookupOf('shop/a'));
    failing.prober.set('shop/b', lookupOf('shop/b'));
    await until(() => failing.answers.length === 2);
    for (const answer of failing.answers) answer(FOUND);
    await until(() => failing.prober.isIdle());
    assert.equal(failing.troubles.length, 1);
    assert.match(failing.troubles[0] ?? '', /^VerifiedSender shop\/a: .*no space left/);
  });

  test('finds nothing any more once it is closed', async (t) => {
    const { prober, answers, kept } = start(t);
    prober.set('shop/a', lookupOf('shop/a'));
    const answer = await until(() => answers[0]);
    prober.close();
    answer(FOUND);
    await sleep(20);
    assert.equal(kept.size, 0);
  });
});
