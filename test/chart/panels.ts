/** Each panel of the dashboards shows something of a relay and an operator that have something to do: no query is about nothing. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { stringify } from 'yaml';
import { createAdmin, list, namespace, sender, user } from '../operator/support/admin.ts';
import { install, OPERATOR_NAMESPACE } from '../operator/support/operator.ts';
import { startOperatorProcess } from '../operator/support/process.ts';
import { startRelayPod } from '../operator/support/relay-pod.ts';
import { QUICK_DELIVERY } from '../support/config-folder.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { aClass, aConfig, aList, aSender, aUser, PASSWORD, USER, LIST } from '../support/relay-config.ts';
import { openClient, openSecureClient, plain, type SmtpClient } from '../support/smtp-client.ts';
import { startUpstream } from '../support/upstream.ts';
import { startWholeRelay } from '../support/whole-relay.ts';
import { queriesOf, readDashboards } from './dashboards.ts';
import { startPrometheus, type Target } from './prometheus.ts';

type Hooks = Pick<TestContext, 'after'>;

const AUDITED = 'shop/audited';
const GUARDED = 'shop/guarded';

describe('the dashboards', () => {
  const ending: (() => unknown)[] = [];
  const hooks: Hooks = { after: (end) => void ending.push(end as () => unknown) };
  let prometheus: Awaited<ReturnType<typeof startPrometheus>>;
  before(async () => {
    const cluster = await startControlPlane();
    hooks.after(cluster.stop);
    const targets = [await startLoadedRelay(hooks), await startLoadedOperator(hooks, cluster)];
    prometheus = await startPrometheus(await folderOf(hooks), targets);
    hooks.after(prometheus.stop);
  });
  // what came last needs what came before
  after(async () => {
    for (const end of ending.toReversed()) await end();
  });

  for (const dashboard of readDashboards()) {
    for (const { panel, query } of queriesOf(dashboard)) {
      test(`${dashboard.title}, ${panel}: ${query}`, async () => {
        const asked = query.replaceAll('$__rate_interval', '1m').replaceAll(/\$(namespace|relay_class|list)/g, '.*');
        assert.doesNotMatch(asked, /\$/);
        await until(async () => {
          const values = await prometheus.query(asked);
          assert.ok(values.length > 0, 'the query gives nothing');
          assert.ok(values.some(Number.isFinite), `the query gives ${values.join(', ')}`);
          return true;
        });
      });
    }

    test(`${dashboard.title} offers something to choose from`, async () => {
      for (const { name, definition } of dashboard.templating.list) {
        const [, series = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(definition ?? '') ?? [];
        if (definition === undefined) continue;
        const values = await prometheus.valuesOf(label, series.replaceAll(/\$\w+/g, '.*'));
        assert.ok(values.length > 0, name);
      }
    });
  }

  test('the alerts of the chart can all be asked for', async () => {
    await until(async () => (await prometheus.query('smtpplus_spool_messages')).length > 0);
    assert.deepEqual(await prometheus.troubles(), []);
  });
});

/** It has mail of every kind, over and over until it ends. */
async function startLoadedRelay(hooks: Hooks): Promise<Target> {
  const upstream = await startUpstream(hooks as TestContext, {
    onRecipient: (to) => (to.startsWith('nobody') ? '550 5.1.1 no such user' : undefined),
  });
  const lists = Object.fromEntries(
    [LIST, AUDITED, GUARDED].map((name) => [name, aList({ upstream: upstream.smartHost() })] as const),
  );
  const audits = { ...aList().senderPolicy, envelopeFrom: 'Audit', headerFrom: 'Audit' } as const;
  lists[AUDITED] = { ...lists[AUDITED]!, senderPolicy: audits };
  lists[GUARDED] = { ...lists[GUARDED]!, recipients: { otherwise: 'Capture', allow: [] } };
  const relay = await startWholeRelay(
    hooks,
    aConfig({
      relayClass: aClass({ delivery: QUICK_DELIVERY, metrics: { usage: 10, labels: 1000 } }),
      lists,
      users: { [USER]: aUser(), 'a.shop': aUser({ list: AUDITED }), 'g.shop': aUser({ list: GUARDED }) },
      namespaces: { shop: [aSender()] },
    }),
  );
  const over = new AbortController();
  const load = (async () => {
    while (!over.signal.aborted) await sendEverything(relay);
  })();
  hooks.after(() => {
    over.abort();
    return load;
  });
  return { port: relay.httpPort, labels: { namespace: 'smtp-plus', pod: 'relay-0', relay_class: 'default' } };
}

async function sendEverything(relay: { port: number; ca: string }): Promise<void> {
  const send = async (client: SmtpClient, from: string, to: string) => {
    await client.ask(`MAIL FROM:<${from}>`);
    if (!(await client.ask(`RCPT TO:<${to}>`)).startsWith('250')) return;
    await client.ask('DATA');
    await client.ask(`From: ${from}\r\n\r\nhello\r\n.`);
  };
  for (const [name, from, to] of [
    [USER, 'orders@shop.example', 'you@elsewhere.example'],
    [USER, 'orders@shop.example', 'nobody@elsewhere.example'],
    [USER, 'ceo@elsewhere.example', 'you@elsewhere.example'],
    ['a.shop', 'ceo@elsewhere.example', 'you@elsewhere.example'],
    ['g.shop', 'orders@shop.example', 'you@elsewhere.example'],
  ] as const) {
    const client = await openSecureClient(relay.port, relay);
    await client.ask(`AUTH PLAIN ${plain(name, PASSWORD)}`);
    await send(client, from, to);
    client.destroy();
  }
  const cut = await openClient(relay.port);
  await cut.reply();
  await cut.ask('EHLO client.example');
  cut.destroy();
}

/** It has objects that change over and over, and is asked with its token, as the ServiceMonitor of the chart asks. */
async function startLoadedOperator(hooks: Hooks, cluster: ControlPlane): Promise<Target> {
  const kubeconfig = await install(cluster);
  const admin = createAdmin(cluster, OPERATOR_NAMESPACE);
  hooks.after(() => admin.client.close());
  const settings = { classes: { default: { existingSenders: [{ shop: 'shop.example' }] } } };
  const folder = await folderOf(hooks, { 'settings.yaml': stringify(settings) });
  const flags = ['--settings', path.join(folder, 'settings.yaml')];
  const operator = startOperatorProcess(hooks as TestContext, kubeconfig, { flags });
  await operator.says('everything is planned');
  const { token = '' } = await admin.secret(`${OPERATOR_NAMESPACE}/smtp-plus-metrics`);
  let documents: Readonly<Record<string, string>> = {};
  const pod = await startRelayPod(admin, 'relay-0');
  hooks.after(pod.close);
  pod.follow(() => documents);
  await admin.apply(
    namespace('shop'),
    sender('shop/own', { domain: 'shop.example' }),
    sender('shop/other', { domain: 'elsewhere.example' }),
    list('shop/house', {}),
  );
  const over = new AbortController();
  const load = (async () => {
    for (let round = 0; !over.signal.aborted; round++) {
      await admin.apply(user(`shop/app-${round % 20}`, { listRef: { name: 'house' } }));
      if (round >= 10) await admin.remove('SmtpPlusUser', `shop/app-${(round + 10) % 20}`);
      const page = JSON.parse(await operator.page('/configz', token)) as { documents: { default?: typeof documents } };
      documents = page.documents.default ?? {};
    }
  })();
  hooks.after(() => {
    over.abort();
    return load;
  });
  return { port: operator.port(), token, labels: { namespace: 'smtp-plus', pod: 'operator-0' } };
}
