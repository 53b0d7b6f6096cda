import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deliverySettingsSchema } from '../config/config.ts';
import type { Verdict } from '../spool/record.ts';
import type { TransportResult } from './transport.ts';
import { createUpstreamHealth } from './upstream-health.ts';
import { deferred } from './upstream-reply.ts';

const SECOND = 1000;
const refused: TransportResult = { kind: 'unreachable', verdict: deferred('4.4.1', 'connect ECONNREFUSED') };
const said = (...verdicts: Verdict[]): TransportResult => ({
  kind: 'answered',
  verdicts: new Map(verdicts.map((verdict, i) => [`r${i}@x.example`, verdict])),
  dsnPassedOn: false,
});
const verdict = (outcome: Verdict['outcome'], code: number): Verdict => ({
  outcome,
  code,
  enhanced: '4.0.0',
  text: `${code} text`,
  at: 'MAIL',
});
const taken = said(verdict('delivered', 250));

function start() {
  const steps: number[] = [];
  const health = createUpstreamHealth({
    upstream: { kind: 'capture' },
    settings: () => deliverySettingsSchema.parse({}),
    onTrouble: (step) => void steps.push(step),
  });
  const fail = (list: string, ...seconds: readonly number[]): void => {
    for (const second of seconds) health.heard(list, refused, second * SECOND);
  };
  return { health, fail, steps };
}

describe('the health of an upstream', () => {
  test('is in trouble once it has failed for a minute, since the first failure and with the words of the last', () => {
    const { health, fail, steps } = start();
    fail('shop/a', 0, 10, 30, 59);
    assert.equal(health.trouble(300 * SECOND), undefined);
    fail('shop/a', 60);
    assert.deepEqual(health.trouble(61 * SECOND), {
      since: '1970-01-01T00:00:00Z',
      time: '1970-01-01T00:01:00Z',
      error: 'connect ECONNREFUSED',
    });
    assert.deepEqual(steps, [1]);
  });

  test('is out of trouble with the first message that it has judged, whatever it said', () => {
    for (const answer of [taken, said(verdict('failed', 550)), said(verdict('deferred', 451))]) {
      const { health, fail, steps } = start();
      fail('shop/a', 0, 60);
      health.heard('shop/a', answer, 61 * SECOND);
      assert.equal(health.trouble(61 * SECOND), undefined);
      assert.deepEqual(steps, [1, -1]);
    }
  });

  test('never comes into trouble where something gets through now and then', () => {
    const { health, fail } = start();
    for (let second = 0; second < 600; second += 50) {
      fail('shop/a', second, second + 20, second + 40);
      health.heard('shop/b', taken, (second + 45) * SECOND);
      assert.equal(health.trouble((second + 46) * SECOND), undefined);
    }
  });

  test('is in trouble where it refuses us whatever the message', () => {
    const { health } = start();
    for (const second of [0, 60]) health.heard('shop/a', said(verdict('deferred', 530)), second * SECOND);
    assert.equal(health.trouble(60 * SECOND)?.error, '530 text');
  });

  test('is told of lists whose mail was tried or waits, and of no others', () => {
    const { health, fail } = start();
    health.heard('shop/quiet', taken, 0);
    health.heard('shop/busy', taken, 0);
    health.awaits('shop/new');
    assert.deepEqual([...health.lists()], ['shop/quiet', 'shop/busy']);
    fail('shop/busy', 1, 61);
    health.awaits('shop/late');
    assert.deepEqual([...health.lists()], ['shop/busy', 'shop/late']);
    health.heard('shop/busy', taken, 62 * SECOND);
    assert.deepEqual([...health.lists()].sort(), ['shop/busy', 'shop/late', 'shop/quiet']);
  });

  test('is forgotten where nobody has tried for long, since it may be well again', () => {
    const { health, fail, steps } = start();
    health.heard('shop/a', taken, 0);
    fail('shop/a', 1, 61);
    assert.notEqual(health.trouble((61 + 7200) * SECOND), undefined);
    assert.equal(health.trouble((62 + 7200) * SECOND), undefined);
    assert.deepEqual([[...health.lists()], steps], [[], [1, -1]]);
  });

  test('learns nothing from a content of ours that cannot be read', () => {
    const { health, fail } = start();
    fail('shop/a', 0);
    health.heard('shop/a', { kind: 'unreadable' }, 60 * SECOND);
    assert.equal(health.trouble(60 * SECOND), undefined);
  });

  test('counts no more once nobody is led there', () => {
    const { health, fail, steps } = start();
    fail('shop/a', 0, 60);
    health.close();
    assert.deepEqual(steps, [1, -1]);
  });
});
