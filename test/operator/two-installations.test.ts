/** Two installations in one cluster, each with relay classes of its own. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { createAdmin, list, namespace, sender, user } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator } from './support/operator.ts';

const MAIN = { classes: { default: {} }, classesElsewhere: ['bulk'] };
const SECOND = { relayClass: 'bulk', classes: { bulk: {} }, reportsUnknownClasses: false };

/** In which two that fight would write some hundred times. */
const SILENCE_MS = 3000;

describeWithControlPlane('of two installations in one cluster', (cluster) => {
  let kubeconfig: string;
  before(async () => {
    kubeconfig = await install(cluster());
  });

  test('two that speak of the same objects stop after a few rounds, and say so once', async () => {
    const admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    await admin.apply(namespace('rivals'), ...['a', 'b', 'c'].map((name) => list(`rivals/${name}`)));
    const main = await startTestOperator(cluster(), kubeconfig, { settings: { classes: { default: {} } } });
    await admin.waitFor('SmtpPlusList', 'rivals/a', 'Accepted', 'True Accepted');
    const rival = { relayClass: 'bulk', classes: { bulk: {} } };
    const second = await startTestOperator(cluster(), kubeconfig, { settings: rival });
    await eventually(async () => {
      const before = [main.writes(), second.writes()];
      await sleep(SILENCE_MS);
      assert.deepEqual([main.writes(), second.writes()], before);
    });
    const troubles = [main, second].map(
      (one) => one.troubles.filter((line) => line.includes('by somebody else')).length,
    );
    assert.ok(troubles.includes(1) && troubles.every((count) => count <= 1), String(troubles));
    assert.ok(main.contestedStatuses() + second.contestedStatuses() >= 3);
    await Promise.all([main.close(), second.close()]);
    for (const name of ['a', 'b', 'c']) await admin.remove('SmtpPlusList', `rivals/${name}`);
    admin.client.close();
  });

  test('each serves its own classes, one speaks for all, and both come to rest', async () => {
    const admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    await admin.apply(
      namespace('shop'),
      list('shop/bulk', { relayClassName: 'bulk' }),
      list('shop/house'),
      list('shop/lost', { relayClassName: 'nobody' }),
      sender('shop/shop', { domain: 'shop.example' }),
      user('shop/newsletter', { listRef: { name: 'bulk' } }),
      user('shop/orders', { listRef: { name: 'house' } }),
      user('shop/listless'),
      user('shop/stray', { listRef: { name: 'lost' } }),
      user('shop/forgotten', { listRef: { name: 'gone' } }),
    );
    const main = await startTestOperator(cluster(), kubeconfig, { settings: MAIN });
    const second = await startTestOperator(cluster(), kubeconfig, { settings: SECOND });
    await admin.waitFor('SmtpPlusList', 'shop/bulk', 'Accepted', 'True Accepted');
    await admin.waitFor('SmtpPlusList', 'shop/house', 'Accepted', 'True Accepted');
    await admin.waitFor('SmtpPlusList', 'shop/lost', 'Accepted', 'False RelayClassNotFound');
    for (const name of ['newsletter', 'orders', 'listless']) {
      await admin.waitFor('SmtpPlusUser', `shop/${name}`, 'Accepted', 'True Accepted');
      await admin.secret(`shop/${name}-smtp`);
    }
    await admin.waitFor('SmtpPlusUser', 'shop/stray', 'Accepted', 'False ListNotAccepted');
    await admin.waitFor('SmtpPlusUser', 'shop/forgotten', 'Accepted', 'False ListNotFound');
    await admin.waitFor('VerifiedSender', 'shop/shop', 'Verified', 'False ProofUnavailable');
    await Promise.all([main.idle(), second.idle()]);
    assert.deepEqual(Object.keys(await admin.relayUsers('smtp-plus-default')).sort(), ['listless.shop', 'orders.shop']);
    assert.deepEqual(Object.keys(await admin.relayUsers('smtp-plus-bulk')), ['newsletter.shop']);

    // Events are written at a pace of their own, after all else; two that fight would never be silent
    await eventually(async () => {
      const before = [main.writes(), second.writes()];
      await sleep(SILENCE_MS);
      assert.deepEqual([main.writes(), second.writes()], before);
    });
    assert.deepEqual([...main.troubles, ...second.troubles], []);
    await Promise.all([main.close(), second.close()]);
    admin.client.close();
  });
});
