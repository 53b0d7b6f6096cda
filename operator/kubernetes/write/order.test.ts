import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Condition } from '../../api/common.ts';
import type { Kind } from '../../core/model.ts';
import type { Caches } from '../cache/caches.ts';
import type { ObjectWork } from './object.ts';
import { urgencyOf } from './order.ts';

const meta = { namespace: 'shop', name: 'a', uid: 'u', generation: 2, labels: {}, annotations: {} };

function condition(type: string, status: Condition['status']): Condition {
  return {
    type,
    status,
    reason: 'Any',
    message: '',
    lastTransitionTime: '2026-01-01T00:00:00Z',
    observedGeneration: 1,
  };
}

/** Caches in which the object has these conditions, and its Secret this password. */
function known(conditions: readonly Condition[], password?: string): Pick<Caches, 'objects' | 'secrets'> {
  const object = { get: () => ({ status: { conditions } }) };
  const objects = { SmtpPlusUser: object, SmtpPlusList: object, VerifiedSender: object };
  const secrets = { get: () => (password === undefined ? undefined : { view: { data: { password } } }) };
  return { objects, secrets } as unknown as Pick<Caches, 'objects' | 'secrets'>;
}

function work(kind: Kind, conditions: readonly Condition[], password?: string): ObjectWork {
  const secret = password === undefined ? {} : { secret: { namespace: 'shop', name: 'a-smtp', data: { password } } };
  return { kind, plan: { meta, status: { conditions }, events: [], ...secret } } as unknown as ObjectWork;
}

describe('urgent', () => {
  const isUrgent = (of: ObjectWork, caches = known([])): boolean => urgencyOf(of, caches).isUrgent === true;

  test('is what an object has no more: to be active, accepted or verified', () => {
    const cases: readonly (readonly [Kind, string])[] = [
      ['SmtpPlusUser', 'Active'],
      ['SmtpPlusUser', 'Accepted'],
      ['SmtpPlusList', 'Accepted'],
      ['VerifiedSender', 'Verified'],
    ];
    for (const [kind, type] of cases) {
      const granted = known([condition(type, 'True')]);
      assert.equal(isUrgent(work(kind, [condition(type, 'False')]), granted), true, `${kind} ${type}`);
      assert.equal(isUrgent(work(kind, [condition(type, 'True')]), granted), false, `${kind} ${type} stays`);
      assert.equal(isUrgent(work(kind, [condition(type, 'True')])), false, `${kind} ${type} comes`);
    }
  });

  test('is a Secret that goes, and a password in place of another, not a first one', () => {
    assert.equal(isUrgent({ kind: 'Secret', key: 'shop/a-smtp' }), true);
    assert.equal(isUrgent(work('SmtpPlusUser', [], 'new'), known([], 'old')), true);
    assert.equal(isUrgent(work('SmtpPlusUser', [], 'same'), known([], 'same')), false);
    assert.equal(isUrgent(work('SmtpPlusUser', [], 'first'), known([])), false);
  });

  test('is not that relays lag, nor that nothing changes', () => {
    const lagging = work('SmtpPlusUser', [condition('Programmed', 'False'), condition('Active', 'True')]);
    assert.equal(isUrgent(lagging, known([condition('Programmed', 'True'), condition('Active', 'True')])), false);
  });
});
