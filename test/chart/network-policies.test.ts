/** Where relays may connect by the network policy, as it is without values of one's own. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { BlockList, isIPv6 } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { METADATA_RANGES } from '../../relay/address-ranges.ts';

interface Policy {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly egress: readonly { readonly to: readonly { readonly ipBlock?: { readonly except?: string[] } }[] }[];
  };
}

const familyOf = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4');

test('no metadata service of a cloud is open to relays by the default network policy', () => {
  const text = readFileSync(path.join(import.meta.dirname, '../../deploy/network-policies.yaml'), 'utf8');
  const policies = parseAllDocuments(text).map((document) => document.toJS() as Policy | null);
  const relay = policies.find((policy) => policy?.metadata.name === 'smtp-plus-relay') ?? assert.fail();
  const excepted = new BlockList();
  for (const range of relay.spec.egress.flatMap(({ to }) => to.flatMap(({ ipBlock }) => ipBlock?.except ?? []))) {
    const [address = '', bits] = range.split('/');
    excepted.addSubnet(address, Number(bits), familyOf(address));
  }
  assert.equal(excepted.check('8.8.8.8'), false);
  for (const range of ['169.254.169.254/32', ...METADATA_RANGES]) {
    const [address = ''] = range.split('/');
    assert.equal(excepted.check(address, familyOf(address)), true, range);
  }
});
