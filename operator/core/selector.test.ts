import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LabelSelector } from '../api/common.ts';
import { matches } from './selector.ts';

const LABELS = { team: 'sales', tier: 'gold', empty: '' };

type Expression = NonNullable<LabelSelector['matchExpressions']>[number];

function holds(expression: Expression): boolean {
  return matches({ matchExpressions: [expression] }, LABELS);
}

describe('a label selector means what it means in Kubernetes', () => {
  test('every label must be there with its value', () => {
    assert.equal(matches({ matchLabels: { team: 'sales', tier: 'gold' } }, LABELS), true);
    assert.equal(matches({ matchLabels: { team: 'sales', tier: 'test' } }, LABELS), false);
    assert.equal(matches({ matchLabels: { absent: '' } }, LABELS), false);
    assert.equal(matches({ matchLabels: { empty: '' } }, LABELS), true);
  });

  test('every expression must hold, besides the labels', () => {
    const isSales: Expression = { key: 'team', operator: 'In', values: ['sales', 'other'] };
    const isTest: Expression = { key: 'tier', operator: 'In', values: ['test'] };
    assert.equal(matches({ matchExpressions: [isSales] }, LABELS), true);
    assert.equal(matches({ matchExpressions: [isSales, isTest] }, LABELS), false);
    assert.equal(matches({ matchLabels: { tier: 'test' }, matchExpressions: [isSales] }, LABELS), false);
  });

  test('NotIn holds for a label that is absent, In does not', () => {
    assert.equal(holds({ key: 'absent', operator: 'NotIn', values: ['x'] }), true);
    assert.equal(holds({ key: 'absent', operator: 'In', values: ['x'] }), false);
    assert.equal(holds({ key: 'team', operator: 'NotIn', values: ['sales'] }), false);
  });

  test('Exists and DoesNotExist ask for the key alone', () => {
    assert.equal(holds({ key: 'empty', operator: 'Exists' }), true);
    assert.equal(holds({ key: 'absent', operator: 'Exists' }), false);
    assert.equal(holds({ key: 'absent', operator: 'DoesNotExist' }), true);
    assert.equal(holds({ key: 'team', operator: 'DoesNotExist' }), false);
  });

  test('an empty selector matches everything', () => {
    assert.equal(matches({}, LABELS), true);
    assert.equal(matches({}, {}), true);
  });

  test('what every object inherits in JavaScript is no label', () => {
    assert.equal(holds({ key: 'constructor', operator: 'Exists' }), false);
    assert.equal(holds({ key: 'toString', operator: 'DoesNotExist' }), true);
  });
});
