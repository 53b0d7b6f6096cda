import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clientAddress, isAllowedClient, sourceKey } from './client-address.ts';

describe('client addresses', () => {
  test('an IPv4 client of a dual-stack listener has its IPv4 address', () => {
    assert.equal(clientAddress('::ffff:10.1.2.3'), '10.1.2.3');
    assert.equal(clientAddress('FE80::1%eth0'), 'fe80::1');
    assert.equal(clientAddress(undefined), '');
  });

  test('an IPv6 client counts by its /64, however its address is written', () => {
    assert.equal(sourceKey('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
    assert.equal(sourceKey('2001:db8::1'), '2001:db8:0:0::/64');
    assert.equal(sourceKey('::1'), '0:0:0:0::/64');
    assert.equal(sourceKey('10.0.0.1'), '10.0.0.1');
  });

  test('a range admits its own addresses only, and no ranges admit all', () => {
    const ranges = ['10.0.0.0/8', '192.0.2.7', '2001:db8::/32'];
    assert.equal(isAllowedClient('10.200.0.1', ranges), true);
    assert.equal(isAllowedClient('192.0.2.7', ranges), true);
    assert.equal(isAllowedClient('192.0.2.8', ranges), false);
    assert.equal(isAllowedClient('2001:db8:9::1', ranges), true);
    assert.equal(isAllowedClient('2001:db9::1', ranges), false);
    assert.equal(isAllowedClient('203.0.113.1', []), true);
  });

  test('a malformed range admits nobody', () => {
    for (const range of ['10.0.0.0/', '10.0.0.0/33', 'everywhere', '10.0.0.0/-1', '0.0.0.0/0x0 ', '']) {
      assert.equal(isAllowedClient('10.0.0.1', [range]), false, range);
    }
  });

  test('an unreadable client address is in no range', () => {
    assert.equal(isAllowedClient('', ['0.0.0.0/0', '::/0']), false);
  });
});
