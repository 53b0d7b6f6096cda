/** What happens to the API server under a running operator must not be seen in what the operator makes of the cluster. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { createAdmin, list, namespace, sender, user, type Admin } from './support/admin.ts';
import {
  install,
  OPERATOR_NAMESPACE,
  startTestOperator,
  type TestOperator,
  type TestOperatorOptions,
} from './support/operator.ts';
import { startFaultyProxy } from './support/proxy.ts';

const settings = { classes: { default: { existingSenders: [{ shop: 'shop.example' }] } } };
const USERS_CRD = new URL('../../crds/smtpplus.io_smtpplususers.yaml', import.meta.url);
/** A minute is what an upgrade of a control plane takes. CI waits for that; people need not each time. */
const OUTAGE_SECONDS = process.env['CI'] ? 60 : 3;

interface Crd {
  readonly spec: {
    readonly versions: {
      additionalPrinterColumns: object[];
      readonly schema: { readonly openAPIV3Schema: { readonly properties: { readonly spec: SpecSchema } } };
    }[];
  };
}

interface SpecSchema {
  readonly properties: Record<string, object>;
}

describeWithControlPlane('the operator goes on', (cluster) => {
  let admin: Admin;
  let kubeconfig: string;
  let operator: TestOperator;
  before(async () => {
    kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    operator = await startTestOperator(cluster(), kubeconfig, { settings });
    await admin.apply(namespace('shop'), sender('shop/domain', { domain: 'shop.example' }), list('shop/letters'));
  });
  after(async () => {
    await operator.close();
    admin.client.close();
  });

  const apply = (name: string) => admin.apply(user(`shop/${name}`, { listRef: { name: 'letters' } }));
  async function isServed(name: string): Promise<void> {
    await admin.secret(`shop/${name}-smtp`);
    await admin.waitFor('SmtpPlusUser', `shop/${name}`, 'Active', 'True Active');
    await eventually(async () => assert.equal((await admin.relayUsers())[`${name}.shop`]?.active, true));
  }

  test('when its CRDs are upgraded', async () => {
    await apply('before-upgrade');
    await isServed('before-upgrade');
    const credentials = await admin.secret('shop/before-upgrade-smtp');
    const crd = parse(readFileSync(USERS_CRD, 'utf8')) as Crd;
    for (const version of crd.spec.versions) {
      version.schema.openAPIV3Schema.properties.spec.properties['addedLater'] = { type: 'string', maxLength: 100 };
      version.additionalPrinterColumns.push({ name: 'Added', type: 'string', jsonPath: '.spec.addedLater' });
    }
    await cluster().kubectl(['apply', '--server-side', '-f', '-'], { stdin: JSON.stringify(crd) });
    // the server takes the new schema a moment later
    await eventually(async () => {
      await admin.apply(user('shop/with-field', { listRef: { name: 'letters' }, addedLater: 'something' }));
      const { spec } = (await admin.get('SmtpPlusUser', 'shop/with-field')) ?? assert.fail();
      assert.equal(spec?.['addedLater'], 'something');
    });
    await isServed('with-field');
    await admin.patch('SmtpPlusUser', 'shop/before-upgrade', { spec: { active: false } });
    await admin.waitFor('SmtpPlusUser', 'shop/before-upgrade', 'Active', 'False Inactive');
    assert.deepEqual(await admin.secret('shop/before-upgrade-smtp'), credentials);
  });

  test(`when the API server is away for ${OUTAGE_SECONDS} seconds`, async () => {
    await apply('before-outage');
    await isServed('before-outage');
    const credentials = await admin.secret('shop/before-outage-smtp');
    await cluster().stopApiServer();
    await sleep(OUTAGE_SECONDS * 1000);
    await cluster().startApiServer();
    await apply('after-outage');
    await isServed('after-outage');
    await operator.idle();
    assert.deepEqual(await admin.secret('shop/before-outage-smtp'), credentials);
  });

  test('when everything that it knows was compacted away while it saw nothing', async (t) => {
    const proxy = await startFaultyProxy(cluster().url);
    const through = (options: TestOperatorOptions): Promise<TestOperator> =>
      startTestOperator(cluster(), kubeconfig, { settings, ...options });
    await operator.close();
    operator = await through({ url: proxy.url, watchSilenceMs: 1000 });
    t.after(async () => {
      await operator.close();
      proxy.close();
      operator = await through({});
    });
    await apply('kept');
    await apply('deleted-unseen');
    await isServed('deleted-unseen');
    await operator.idle();
    proxy.freeze();
    proxy.cut();
    await admin.remove('SmtpPlusUser', 'shop/deleted-unseen');
    await admin.remove('Secret', 'shop/kept-smtp');
    await apply('made-unseen');
    // the server's watch cache would still know what etcd has forgotten
    await cluster().compactEtcd();
    await cluster().stopApiServer();
    await cluster().startApiServer();
    const relists = await relistsOf(operator);
    proxy.thaw();
    await isServed('made-unseen');
    await isServed('kept');
    await eventually(async () => {
      assert.equal(await admin.get('Secret', 'shop/deleted-unseen-smtp'), undefined);
      assert.equal((await admin.relayUsers())['deleted-unseen.shop'], undefined);
    });
    assert.ok((await relistsOf(operator)) > relists, 'it has listed again');
  });
});

async function relistsOf({ metrics }: TestOperator): Promise<number> {
  const { values } = await metrics.relists.get();
  return values.reduce((sum, { value }) => sum + value, 0);
}
