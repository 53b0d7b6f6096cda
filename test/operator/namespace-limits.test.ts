/** More objects in a namespace than are served, on a real API server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { createAdmin, list, namespace, secret, sender, user } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator } from './support/operator.ts';

const settings = {
  classes: { default: { existingSenders: [{ shop: 'shop.example' }] } },
  namespaceLimits: { users: 2, lists: 1, senders: 1, namespaces: { wide: { users: 3 } } },
};
/** Times of creation are whole seconds. */
const SECOND_MS = 1000;

describeWithControlPlane('of a namespace with more objects than are served', (cluster) => {
  test('the oldest are served, and whoever waits comes in with its own password once there is a place', async () => {
    const kubeconfig = await install(cluster());
    const admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    const operator = await startTestOperator(cluster(), kubeconfig, { settings });
    await admin.apply(
      namespace('shop'),
      secret('shop/own', { password: 'chosen-by-people' }),
      list('shop/house'),
      sender('shop/shop', { domain: 'shop.example' }),
      user('shop/a'),
      user('shop/b'),
    );
    await admin.secret('shop/a-smtp');
    await admin.secret('shop/b-smtp');
    await sleep(SECOND_MS);
    await admin.apply(
      list('shop/a-second'),
      sender('shop/a-second', { domain: 'shop.example' }),
      user('shop/0', { credentials: { passwordSecretRef: { name: 'own' } } }),
    );
    const waits = await admin.waitFor('SmtpPlusUser', 'shop/0', 'Accepted', 'False TooManyUsers');
    assert.match(waits.message, /has 3 objects .* 2 are served/);
    await admin.waitFor('SmtpPlusUser', 'shop/0', 'Stalled', 'True TooManyUsers');
    await admin.waitFor('SmtpPlusList', 'shop/a-second', 'Accepted', 'False TooManyLists');
    await admin.waitFor('VerifiedSender', 'shop/a-second', 'Verified', 'False TooManySenders');
    await operator.idle();
    assert.equal(await admin.get('Secret', 'shop/0-smtp'), undefined);
    assert.deepEqual(Object.keys(await admin.relayUsers()).sort(), ['a.shop', 'b.shop']);

    await admin.remove('SmtpPlusUser', 'shop/a');
    await admin.remove('SmtpPlusList', 'shop/house');
    await admin.remove('VerifiedSender', 'shop/shop');
    await admin.waitFor('SmtpPlusUser', 'shop/0', 'CredentialsReady', 'True CredentialsReady');
    await admin.waitFor('SmtpPlusList', 'shop/a-second', 'Accepted', 'True Accepted');
    await admin.waitFor('VerifiedSender', 'shop/a-second', 'Verified', 'True Grandfathered');
    assert.equal((await admin.secret('shop/0-smtp'))['password'], 'chosen-by-people');
    await eventually(async () => {
      const users = await admin.relayUsers();
      assert.deepEqual(Object.keys(users).sort(), ['0.shop', 'b.shop']);
      assert.match(users['0.shop']?.credentials[0]?.verifier ?? '', /argon2id/);
    });

    await admin.apply(namespace('wide'), user('wide/a'), user('wide/b'), user('wide/c'));
    await admin.waitFor('SmtpPlusUser', 'wide/c', 'Accepted', 'True Accepted');
    assert.deepEqual(operator.troubles, []);
    await operator.close();

    // one that starts anew has nothing but the statuses to know by who was there first
    await admin.apply(user('shop/00'));
    const second = await startTestOperator(cluster(), kubeconfig, { settings });
    await admin.waitFor('SmtpPlusUser', 'shop/00', 'Accepted', 'False TooManyUsers');
    await second.idle();
    assert.deepEqual(
      Object.keys(await admin.relayUsers())
        .filter((name) => name.endsWith('.shop'))
        .sort(),
      ['0.shop', 'b.shop'],
    );
    await second.close();
    admin.client.close();
  });
});
