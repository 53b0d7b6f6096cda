import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultHelo } from './helo.ts';

for (const [hostname, address, helo] of [
  ['smtp.shop.example', '10.1.2.3', 'smtp.shop.example'],
  ['smtp.shop.example.', '10.1.2.3', 'smtp.shop.example'],
  // names that only the cluster, the machine or the office knows
  ['smtp-plus-relay.smtp-plus.svc', '10.1.2.3', '[10.1.2.3]'],
  ['smtp-plus-relay.smtp-plus.svc.cluster.local', '10.1.2.3', '[10.1.2.3]'],
  ['localhost', '127.0.0.1', '[127.0.0.1]'],
  ['relay', '10.1.2.3', '[10.1.2.3]'],
  ['mail.corp', '10.1.2.3', '[10.1.2.3]'],
  ['svc.shop.example', '10.1.2.3', 'svc.shop.example'],
  // RFC 5321 section 4.1.3
  ['192.0.2.1', '10.1.2.3', '[10.1.2.3]'],
  ['localhost', '::1', '[IPv6:::1]'],
  ['localhost', '::ffff:10.1.2.3', '[10.1.2.3]'],
  ['localhost', 'fe80::1%eth0', '[IPv6:fe80::1]'],
] as const) {
  test(`a relay that users know as ${hostname} says EHLO ${helo} from ${address}`, () => {
    assert.equal(defaultHelo(hostname, address), helo);
  });
}
