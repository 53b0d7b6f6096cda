import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { schemaOf, type Schema } from './crd.ts';
import { kinds } from './kinds.ts';
import { fieldsNotInEffect, notInEffect } from './not-in-effect.ts';

const everything = { dns: { publish: 'DNSEndpoint' } };

describe('a field that is not in effect yet', () => {
  test('is named where a spec sets it, and not where it asks for nothing', () => {
    assert.deepEqual(
      fieldsNotInEffect('VerifiedSender', everything).map(({ path }) => path.join('.')),
      ['spec.dns.publish'],
    );
    assert.equal(notInEffect('VerifiedSender', { dns: { publish: 'None' } }), '');
  });

  test('says so in its description', () => {
    for (const { path } of fieldsNotInEffect('VerifiedSender', everything)) {
      const root = schemaOf(kinds.VerifiedSender);
      const schema = path.reduce<Schema>((node, step) => node.properties?.[step] ?? {}, root);
      assert.match(schema.description ?? '', /Not in effect yet\.$/, path.join('.'));
    }
  });
});
