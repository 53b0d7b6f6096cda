import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ShardDocument } from '../../relay/config/config.ts';
import { aList, aUser } from '../../test/support/relay-config.ts';
import { DOCUMENT_BYTES_MAX, fit, signerEntry, signerOf } from './fit.ts';

const sizeOf = (text: string): number => Buffer.byteLength(text);

function listWithCa(bytes: number): ShardDocument['lists'][string] {
  const smartHost = { kind: 'smtp', host: 'smtp.example', port: 587, tls: 'StartTLS' } as const;
  return aList({
    upstream: {
      ...smartHost,
      ca: 'x'.repeat(bytes),
      maxConnections: 1,
      messagesPerConnection: 1,
      recipientsPerTransaction: 50,
    },
  });
}

describe('a shard', () => {
  test('that fits stays as it is', () => {
    const document: ShardDocument = {
      version: 1,
      lists: { 'shop/a': aList() },
      users: {},
      unusable: {},
      namespaces: {},
      dkim: {},
    };
    assert.deepEqual(fit(document, sizeOf), { document, leftOut: [] });
  });

  test('that would be too large goes without the largest entries of the namespace that takes most', () => {
    const document: ShardDocument = {
      version: 1,
      lists: {
        'crowd/a': listWithCa(400_000),
        'crowd/b': listWithCa(300_000),
        'shop/large': listWithCa(350_000),
        'shop/small': aList(),
      },
      unusable: {},
      users: { 'app.crowd': aUser({ namespace: 'crowd' }), 'app.shop': aUser() },
      namespaces: { shop: [] },
      dkim: {},
    };
    const { document: fitting, leftOut } = fit(document, sizeOf);
    assert.deepEqual(leftOut, ['crowd/a']);
    assert.ok(sizeOf(JSON.stringify(fitting)) <= DOCUMENT_BYTES_MAX);
    assert.deepEqual(Object.keys(fitting.lists), ['crowd/b', 'shop/large', 'shop/small']);
    assert.deepEqual([fitting.users, fitting.namespaces], [document.users, document.namespaces]);
  });

  test('names the signing keys that it goes without apart from a list with the same key', () => {
    const privateKey = 'x'.repeat(600_000);
    const keys = [{ algorithm: 'rsa-sha256' as const, selector: 's', privateKey }];
    const document: ShardDocument = {
      version: 1,
      lists: { 'crowd/a': aList() },
      users: {},
      unusable: {},
      namespaces: {},
      dkim: { 'crowd/a': { domain: 'a.example', keys }, 'crowd/b': { domain: 'b.example', keys } },
    };
    const { document: fitting, leftOut } = fit(document, sizeOf);
    assert.deepEqual(leftOut, [signerEntry('crowd/b')]);
    assert.deepEqual(Object.keys(fitting.dkim), ['crowd/a']);
    assert.deepEqual([signerOf(signerEntry('crowd/b')), signerOf('crowd/b')], ['crowd/b', undefined]);
  });
});
