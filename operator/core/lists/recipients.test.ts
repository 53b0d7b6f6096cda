import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { listSpec, type ListSpec } from '../../api/list.ts';
import { classSettingsSchema, type ClassSettings } from '../../settings/settings.ts';
import { judgeRecipient } from '../../../relay/recipient-guard.ts';
import { refusalsInWords } from './policy.ts';
import { guardNote, tightenRecipients } from './recipients.ts';

const floorOf = (recipients: object): ClassSettings['recipients'] =>
  classSettingsSchema.parse({ recipients }).recipients;
const wishOf = (recipients: object): ListSpec['recipients'] => listSpec.parse({ recipients }).recipients;
const exactly = (recipient: string) => ({ recipient, includeSubdomains: false });
const below = (recipient: string) => ({ recipient, includeSubdomains: true });

describe('whom a list may reach', () => {
  test('is everybody where neither class nor list says otherwise', () => {
    assert.deepEqual(tightenRecipients(undefined, undefined), { value: undefined, refused: [] });
  });

  test('is what the class says where the list says nothing', () => {
    const floor = floorOf({
      allow: ['@QA.example', 'Tester@shop.example'],
      includeSubdomains: true,
      otherwise: 'Capture',
    });
    assert.deepEqual(tightenRecipients(floor, undefined).value, {
      otherwise: 'Capture',
      allow: [below('@qa.example'), exactly('tester@shop.example')],
    });
  });

  test('is what the list says where the class says nothing, in canonical form, the one to redirect to included', () => {
    const wish = wishOf({ allow: ['@bücher.example'], otherwise: 'Redirect', redirectTo: 'tester@shop.example' });
    assert.deepEqual(tightenRecipients(undefined, wish), {
      value: {
        otherwise: 'Redirect',
        allow: [exactly('@xn--bcher-kva.example'), exactly('tester@shop.example')],
        redirectTo: 'tester@shop.example',
      },
      refused: [],
    });
  });

  test('is nobody where it names none: others are refused, or what it says', () => {
    assert.deepEqual(tightenRecipients(undefined, wishOf({})).value, { otherwise: 'Refuse', allow: [] });
    assert.deepEqual(tightenRecipients(undefined, wishOf({ otherwise: 'Capture' })).value, {
      otherwise: 'Capture',
      allow: [],
    });
  });

  test('keeps to the class, and says in what it would not have', () => {
    const floor = floorOf({ allow: ['@qa.example', 'tester@shop.example'] });
    const wish = wishOf({ allow: ['a@qa.example', '@shop.example', '@real.example', '@x.example', '@y.example'] });
    const { value, refused } = tightenRecipients(floor, wish);
    assert.deepEqual(value, { otherwise: 'Refuse', allow: [exactly('a@qa.example'), exactly('tester@shop.example')] });
    assert.equal(
      refusalsInWords(refused),
      'spec.recipients.allow counts only as far as the class allows (see @shop.example, @real.example, @x.example and 1 more)',
    );
  });

  test('may be redirected by the list, but to nobody whom the class does not allow', () => {
    const floor = floorOf({ allow: ['@qa.example'], otherwise: 'Capture' });
    const allowed = tightenRecipients(floor, wishOf({ otherwise: 'Redirect', redirectTo: 'box@qa.example' }));
    assert.deepEqual([allowed.value?.otherwise, allowed.refused], ['Redirect', []]);
    const other = tightenRecipients(floor, wishOf({ otherwise: 'Redirect', redirectTo: 'box@real.example' }));
    assert.deepEqual(other.value, { otherwise: 'Capture', allow: [exactly('@qa.example')] });
    assert.equal(
      refusalsInWords(other.refused),
      'spec.recipients.redirectTo is not in use, since the class does not allow box@real.example',
    );
  });

  test('takes what becomes of others from the class where the list does not say', () => {
    const floor = floorOf({ allow: ['@qa.example'], otherwise: 'Redirect', redirectTo: 'box@shop.example' });
    assert.deepEqual(tightenRecipients(floor, wishOf({ allow: ['a@qa.example'] })).value, {
      otherwise: 'Redirect',
      allow: [exactly('a@qa.example'), exactly('box@shop.example')],
      redirectTo: 'box@shop.example',
    });
  });

  const names = ['qa.example', 'a.qa.example', 'b.a.qa.example', 'other.example'];
  const entries = fc.constantFrom(...names.flatMap((name) => [`@${name}`, `x@${name}`, `y%z@${name}`]));
  const target = fc.constantFrom(
    { otherwise: 'Refuse' },
    { otherwise: 'Capture' },
    ...names.map((name) => ({ otherwise: 'Redirect', redirectTo: `x@${name}` })),
  );
  const whom = fc.record({ allow: fc.uniqueArray(entries), includeSubdomains: fc.boolean() }, { requiredKeys: [] });
  const guards = fc.tuple(whom, target).map(([some, otherwise]) => Object.assign({}, some, otherwise));

  test('is never more than its class allows, nor less than both do', () => {
    const floors = guards.filter(({ allow }) => allow !== undefined);
    fc.assert(
      fc.property(floors, guards, (first, second) => {
        const [floor, wish] = [floorOf(first), wishOf(second)];
        const both = tightenRecipients(floor, wish).value;
        const [most, own] = [tightenRecipients(floor, undefined).value, tightenRecipients(undefined, wish).value];
        for (const address of names.flatMap((name) => [`x@${name}`, `w@${name}`, `y%z@${name}`, `w@deep.${name}`])) {
          const isAllowed = (guard: typeof both) => judgeRecipient(guard, address) === 'allowed';
          if (isAllowed(both)) assert.ok(isAllowed(most), `${address} beyond the class`);
          const isNamed = second.allow === undefined || isAllowed(own);
          if (isAllowed(most) && isNamed) assert.ok(isAllowed(both), `${address} is missing`);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('is said in the status of the list', () => {
    assert.equal(guardNote(undefined), '');
    const guard = tightenRecipients(
      undefined,
      wishOf({ allow: ['@qa.example'], otherwise: 'Redirect', redirectTo: 'box@qa.example' }),
    );
    assert.equal(
      guardNote(guard.value),
      ' Mail reaches allowed recipients only (2 addresses and domains); mail to others goes to box@qa.example.',
    );
  });
});
