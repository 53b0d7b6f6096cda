import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AllowedNamespaces, LabelSelector } from '../api/common.ts';
import { allows, matches, serves } from './selector.ts';

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

describe('allowedNamespaces lets in', () => {
  const sales: AllowedNamespaces = { from: 'Selector', selector: { matchLabels: { team: 'sales' } } };
  const byName: AllowedNamespaces = {
    from: 'Selector',
    selector: { matchLabels: { 'kubernetes.io/metadata.name': 'guest' } },
  };
  const isLetIn = (allowed: AllowedNamespaces, guest: string, labels = {}): boolean =>
    allows(allowed, 'owner', { name: guest, labels });

  test('its own namespace always, and nobody else where it says Same', () => {
    for (const allowed of [{ from: 'Same' }, { from: 'All' }, sales] as const) {
      assert.equal(isLetIn(allowed, 'owner'), true, allowed.from);
    }
    assert.equal(isLetIn({ from: 'Same' }, 'guest'), false);
    assert.equal(isLetIn({ from: 'Same' }, 'own'), false);
  });

  test('everybody where it says All, and those with the labels where it says Selector', () => {
    assert.equal(isLetIn({ from: 'All' }, 'guest'), true);
    assert.equal(isLetIn(sales, 'guest', { team: 'sales' }), true);
    assert.equal(isLetIn(sales, 'guest', { team: 'other' }), false);
    assert.equal(isLetIn({ from: 'Selector' }, 'guest'), false, 'without a selector');
  });

  test('none by a selector of which nobody has told yet, which labels it may lack', () => {
    const unknown = { name: 'guest', labels: undefined };
    const selectors: LabelSelector[] = [
      {},
      { matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['test'] }] },
      { matchExpressions: [{ key: 'quarantine', operator: 'DoesNotExist' }] },
    ];
    for (const selector of selectors) {
      const allowed: AllowedNamespaces = { from: 'Selector', selector };
      assert.equal(isLetIn(allowed, 'guest'), true);
      assert.equal(allows(allowed, 'owner', unknown), false);
      assert.equal(serves(allowed, unknown), false);
    }
    assert.equal(allows({ from: 'All' }, 'owner', unknown), true);
  });

  test('a namespace by the name that it has, whatever its label says', () => {
    assert.equal(isLetIn(byName, 'guest'), true);
    assert.equal(isLetIn(byName, 'other', { 'kubernetes.io/metadata.name': 'guest' }), false);
  });
});
