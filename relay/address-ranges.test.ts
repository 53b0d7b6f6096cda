import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isAllowedAddress, type AllowedAddresses } from './address-ranges.ts';

const onlyPublic: AllowedAddresses = { allow: ['Public'], except: [] };
const allowing = (...allow: string[]): AllowedAddresses => ({ allow, except: [] });

describe('where a name may lead', () => {
  for (const address of ['8.8.8.8', '1.1.1.1', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::808:808']) {
    test(`${address} is public`, () => assert.equal(isAllowedAddress(address, onlyPublic), true));
  }

  const inside = `
    127.0.0.1 127.8.8.8 ::1 0.0.0.0 0.1.2.3 ::
    10.96.0.1 172.16.0.1 192.168.1.1 100.64.0.1 fd00::1 fc00::1
    169.254.169.254 169.254.170.2 fe80::1 fe80::1%eth0 100.100.100.200 168.63.129.16
    fd00:ec2::254 fd20:ce::254 192.0.0.192 224.0.0.1 255.255.255.255 ff02::1 240.0.0.1`;
  const inOtherWords = `
    ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:169.254.169.254 ::ffff:10.0.0.1
    64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::169.254.169.254 64:ff9b:1::a00:1
    ::127.0.0.1 ::ffff:0:127.0.0.1 2002:7f00:1:: 2002:a00:1::1 2001:0:1::1 fec0::1 4000::1
    0x7f000001 0177.0.0.1 127.1 2130706433`;
  for (const address of `${inside} ${inOtherWords}`.trim().split(/\s+/)) {
    test(`${address} is not public`, () => assert.equal(isAllowedAddress(address, onlyPublic), false));
  }

  for (const text of ['', 'localhost', '1.2.3.4.5', '8.8.8.8:25', '[::1]', '%eth0']) {
    test(`"${text}" is no address, and not allowed`, () => {
      assert.equal(isAllowedAddress(text, allowing('Public', 'Private', 'Loopback')), false);
    });
  }

  test('private and loopback ranges can be allowed by name, and metadata services never are with them', () => {
    const own = allowing('Public', 'Private', 'Loopback');
    for (const address of ['10.0.0.1', '127.0.0.1', '::1', 'fd00::1', '8.8.8.8', '::ffff:127.0.0.1']) {
      assert.equal(isAllowedAddress(address, own), true, address);
    }
    for (const address of [
      '169.254.169.254',
      '100.100.100.200',
      'fd00:ec2::254',
      '::ffff:169.254.169.254',
      '0.0.0.0',
    ]) {
      assert.equal(isAllowedAddress(address, own), false, address);
    }
  });

  test('a range in numbers allows what is in it and nothing else, however that is spelled', () => {
    const one = allowing('10.1.0.0/16', 'fd01::/64');
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '64:ff9b::a01:203', 'fd01::25']) {
      assert.equal(isAllowedAddress(address, one), true, address);
    }
    for (const address of ['10.2.0.1', '8.8.8.8', 'fd01:0:0:1::1', '::1']) {
      assert.equal(isAllowedAddress(address, one), false, address);
    }
  });

  test('an exception holds whatever is allowed, however the address is spelled', () => {
    const rules = { allow: ['Public', '10.0.0.0/8'], except: ['10.96.0.0/12', '203.0.0.0/16', '2001:67c::/32'] };
    for (const address of ['10.96.0.1', '::ffff:10.96.0.1', '64:ff9b::a60:1', '203.0.1.2', '2001:67c::1']) {
      assert.equal(isAllowedAddress(address, rules), false, address);
    }
    assert.equal(isAllowedAddress('10.1.0.1', rules), true);
    assert.equal(isAllowedAddress('64:ff9b::808:808', { allow: ['Public'], except: ['64:ff9b::/96'] }), false);
  });

  test('every address of IPv4 gets the same answer in IPv6 clothes', () => {
    const rules = { allow: ['Public', '10.1.0.0/16'], except: ['8.8.0.0/16'] };
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const plain = isAllowedAddress(address, rules);
        assert.equal(isAllowedAddress(`::ffff:${address}`, rules), plain);
        assert.equal(isAllowedAddress(`64:ff9b::${address}`, rules), plain);
      }),
    );
  });
});
