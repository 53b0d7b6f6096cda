import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { classSettingsSchema } from '../../settings/settings.ts';
import type { ObjectMeta } from '../model.ts';
import { secretPlan } from './secret-content.ts';
import { aClassView } from '../../../test/support/class-view.ts';

const owner: ObjectMeta = {
  namespace: 'shop',
  name: 'orders',
  uid: '0',
  generation: 1,
  labels: {},
  annotations: {},
};

/** Printable text of any script, as a password of one's own may be. */
const passwords = fc
  .string({ unit: 'grapheme', minLength: 12 })
  .filter((text) => text.isWellFormed() && !/[\x00-\x1f\x7f]/.test(text));

test('the uri of a Secret gives back user name, password, host and port, whatever they hold', () => {
  const usernames = fc.constantFrom('orders.shop', 'orders+eu@shop.example', "o'brien/%40?#@shop.example");
  const hosts = fc.constantFrom('relay.example', '192.0.2.1', '2001:db8::1');
  fc.assert(
    fc.property(usernames, passwords, hosts, (username, password, hostname) => {
      const settings = classSettingsSchema.parse({ hostname });
      const view = aClassView(settings, [2525]);
      const url = new URL(
        secretPlan({ owner, name: 'orders-smtp', isRetained: false }, { username, password }, view)?.data['uri'] ?? '',
      );
      assert.deepEqual(
        [url.protocol, decodeURIComponent(url.username), decodeURIComponent(url.password), url.hostname, url.port],
        ['smtp:', username, password, hostname.includes(':') ? `[${hostname}]` : hostname, '2525'],
      );
    }),
  );
});
