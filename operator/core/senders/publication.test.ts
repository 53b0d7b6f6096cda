import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { senderSpec } from '../../api/sender.ts';
import type { DnsRecord } from './dns-record.ts';
import type { DnsVerification } from './dns-verification.ts';
import { judgePublication } from './publication.ts';
import type { EndpointRecords, PublicationFact } from './publication-model.ts';

const META = { namespace: 'shop', name: 'domain', uid: 'u', generation: 1, labels: {}, annotations: {} };

function record(purpose: DnsRecord['purpose']): DnsRecord {
  return {
    purpose,
    name: `${purpose.toLowerCase()}.shop.example`,
    type: 'TXT',
    value: `of ${purpose}`,
    state: 'Unknown',
  };
}

interface World {
  readonly spec?: object;
  readonly endpoints?: DnsVerification['endpoints'];
  readonly isVerified?: boolean;
  readonly isUnchecked?: boolean;
  readonly purposes?: readonly string[];
  readonly fact?: PublicationFact;
}

function judge(world: World) {
  const { spec = {}, endpoints, isVerified = true, purposes = ['Ownership', 'DKIM', 'DKIM', 'SPF', 'DMARC'] } = world;
  let asked: EndpointRecords = [];
  const { endpoint, judgement } = judgePublication({
    spec: senderSpec.parse({ domain: 'shop.example', dns: { publish: 'DNSEndpoint' }, ...spec }),
    verdict: {
      meta: META,
      judgement: { type: 'Verified', status: isVerified ? 'True' : 'False', reason: 'DnsProof', message: '' },
      ...(world.isUnchecked === true && { isUnchecked: true }),
      dns: { judgements: [], records: purposes.map(record), plan: { sender: 'shop/domain', lookups: [] } },
    },
    verification: { graceSeconds: 0, ...(endpoints !== undefined && { endpoints }) },
    factOf: (_, records) => {
      asked = records;
      return world.fact;
    },
  });
  return {
    values: endpoint?.map(({ value }) => value),
    asked: asked.length,
    said: judgement && `${judgement.status} ${judgement.reason}`,
    message: judgement?.message ?? '',
  };
}

describe('the DNSEndpoint of a sender', () => {
  test('has the records of keys of a verified domain, and never SPF or DMARC', () => {
    const { values, said } = judge({ endpoints: 'DKIM' });
    assert.deepEqual([values, said], [['of DKIM', 'of DKIM'], 'False EndpointAwaited']);
    assert.deepEqual(judge({ endpoints: 'All' }).values, ['of Ownership', 'of DKIM', 'of DKIM']);
  });

  test('has no key of a domain that is not verified, and its proof only where the platform owner says so', () => {
    const { values, said, message } = judge({ endpoints: 'DKIM', isVerified: false });
    assert.deepEqual([values, said], [[], 'False NothingToPublish']);
    assert.match(message, /verification\.dnsEndpoints: All/);
    assert.deepEqual(judge({ endpoints: 'All', isVerified: false }).values, ['of Ownership']);
  });

  test('stays as it is while nobody knows whether the domain is verified', () => {
    const unknown = { isVerified: false, isUnchecked: true };
    const { values, said } = judge({ endpoints: 'DKIM', ...unknown });
    assert.deepEqual([values, said], [undefined, undefined]);
    // a name server may refuse to answer until there is a first record
    assert.deepEqual(judge({ endpoints: 'All', ...unknown }).values, ['of Ownership', 'of DKIM', 'of DKIM']);
    const off = judge({ endpoints: 'DKIM', isUnchecked: true, spec: { dns: { publish: 'None' } } });
    assert.deepEqual([off.values, off.said], [[], undefined]);
  });

  test('is not asked for in one process, nor where the platform owner allows none', () => {
    for (const endpoints of ['NoCluster', 'None', undefined] as const) {
      const { values, said, message } = judge({ ...(endpoints && { endpoints }) });
      assert.deepEqual([values, said], [[], 'False PublishUnavailable'], endpoints);
      assert.match(message, /by hand/, endpoints);
    }
  });

  test('says why there is nothing to publish', () => {
    const cases: readonly (readonly [World, RegExp])[] = [
      [{ endpoints: 'DKIM', purposes: ['Ownership'] }, /spec\.dkim\.signing: Enabled/],
      [{ endpoints: 'DKIM', purposes: [], spec: { dkim: { signing: 'Enabled' } } }, /condition Signing/],
      [{ endpoints: 'All', purposes: [], isVerified: false }, /condition Verified/],
      [{ endpoints: 'All', purposes: [], spec: { domain: undefined, address: 'a@shop.example' } }, /for the domain/],
    ];
    for (const [world, words] of cases) {
      const { values, said, message } = judge(world);
      assert.deepEqual([values, said], [[], 'False NothingToPublish']);
      assert.match(message, words);
    }
  });

  test('says what has become of it', () => {
    const published = judge({ endpoints: 'DKIM', fact: { reason: 'Published', message: 'Done.' } });
    assert.deepEqual([published.said, published.message, published.asked], ['True Published', 'Done.', 2]);
    const taken = judge({ endpoints: 'DKIM', fact: { reason: 'EndpointNotOwned', message: 'Taken.' } });
    assert.equal(taken.said, 'False EndpointNotOwned');
  });
});
