import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dnsVerificationOf, resolversOf, verificationSettingsSchema } from './verification.ts';

function objectionTo(settings: object): string | undefined {
  const { error } = verificationSettingsSchema.safeParse(settings);
  return error?.issues.map(({ message }) => message).join(' ');
}

describe('the settings of verification', () => {
  test('take IP addresses with and without a port', () => {
    for (const server of ['9.9.9.9', '127.0.0.1:5353', '2620:fe::fe', '[2620:fe::fe]', '[::1]:5353']) {
      assert.equal(objectionTo({ dnsServers: [server] }), undefined, server);
    }
  });

  test('take no names, and no addresses that nobody can be asked at', () => {
    for (const server of [
      'dns.example',
      '',
      '9.9.9',
      '9.9.9.9:',
      '9.9.9.9:0',
      '9.9.9.9:65536',
      '[9.9.9.9]:53',
      '::1:x',
    ]) {
      assert.match(objectionTo({ dnsServers: [server] }) ?? '', /^must be an IP address/, server);
    }
  });

  test('want more than half of the resolvers to agree, and no more than there are', () => {
    const four = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'];
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((dnsQuorum) => objectionTo({ dnsServers: four, dnsQuorum }) === undefined),
      [false, false, true, true, false],
    );
    assert.match(objectionTo({ dnsServers: four, dnsQuorum: 2 }) ?? '', /^must be 3 to 4:/);
    assert.match(objectionTo({ dnsQuorum: 1 }) ?? '', /^counts dnsServers, and there are none/);
    const quorums = [0, 1, 2, 3, 4].map((count) => {
      const settings = verificationSettingsSchema.parse({ dnsServers: four.slice(0, count) });
      return resolversOf(settings).quorum;
    });
    assert.deepEqual(quorums, [1, 1, 2, 2, 3]);
  });

  test('come to no look-ups where they are disabled', () => {
    const none = verificationSettingsSchema.parse({ dns: 'Disabled' });
    assert.deepEqual(dnsVerificationOf(none), { graceSeconds: 72 * 3600, isDisabled: true, endpoints: 'DKIM' });
    const settings = verificationSettingsSchema.parse({ grace: '1h30m', dnsEndpoints: 'All' });
    assert.deepEqual(dnsVerificationOf(settings), { graceSeconds: 5400, endpoints: 'All' });
  });
});
