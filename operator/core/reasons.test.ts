import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { conditionsOf } from './conditions.ts';
import type { Kind } from './model.ts';
import { reasons, type ConditionReason } from './reasons.ts';

const subject = {
  kind: 'SmtpPlusUser' as Kind,
  meta: { namespace: 'shop', name: 'orders', uid: '1', generation: 1, labels: {}, annotations: {} },
};

function typesFor(status: 'True' | 'False' | 'Unknown', reason: ConditionReason): string[] {
  const ready = { type: 'Ready', status, reason, message: 'Why.' };
  return conditionsOf(subject, [], ready, new Date(0)).map(({ type }) => type);
}

describe('a reason', () => {
  test('for which Ready is not true says whether to wait for it, or for a person', () => {
    const all = Object.entries(reasons) as [ConditionReason, { progress: string }][];
    for (const [reason, { progress }] of all.filter(([, one]) => one.progress !== 'Current')) {
      const wanted = progress === 'InProgress' ? 'Reconciling' : 'Stalled';
      for (const status of ['False', 'Unknown'] as const) assert.deepEqual(typesFor(status, reason), ['Ready', wanted]);
      assert.deepEqual(typesFor('True', reason), ['Ready']);
    }
  });

  test('is in the table only where something gives it', () => {
    const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' });
    const sources = files.filter((name) => /(?<!test)\.ts$/.test(name) && name !== 'reasons.ts');
    const text = sources.map((name) => readFileSync(`${import.meta.dirname}/${name}`, 'utf8')).join('\n');
    assert.deepEqual(
      Object.keys(reasons).filter((reason) => !text.includes(`'${reason}'`)),
      [],
    );
  });
});
