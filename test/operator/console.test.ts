/** The console of the operator on a real API server: to each what they may see, and to nobody anything else. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, test, type TestContext } from 'node:test';
import { parse } from 'yaml';
import { createClient } from '../../operator/kubernetes/client/client.ts';
import { consoleWhenOn } from '../../operator/kubernetes/console/when-on.ts';
import { settingsSchema } from '../../operator/settings/settings.ts';
import { startHttp } from '../../relay/observe/http.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { createAdmin, list, namespace, sender, user, type Admin } from './support/admin.ts';
import { tokenCredentials } from './support/credentials.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';
import { startRelayPod } from './support/relay-pod.ts';

/** What the chart gives the operator where the console is enabled; test/chart/render.ts compares it with this. */
const RULES = ['--resource=tokenreviews.authentication.k8s.io', '--resource=subjectaccessreviews.authorization.k8s.io'];

describeWithControlPlane('the console on a cluster', (cluster) => {
  let kubeconfig: string;
  let admin: Admin;
  let operator: TestOperator;
  let tenant: string;
  let blogger: string;
  let platform: string;
  let stranger: string;

  before(async () => {
    kubeconfig = await install(cluster());
    const name = 'smtp-plus-console';
    await cluster().kubectl(['create', 'clusterrole', name, '--verb=create', ...RULES]);
    const operatorAccount = `--serviceaccount=${OPERATOR_NAMESPACE}:smtp-plus-operator`;
    await cluster().kubectl(['create', 'clusterrolebinding', name, `--clusterrole=${name}`, operatorAccount]);
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    await admin.apply(namespace('shop'), namespace('blog'));
    for (const where of ['shop', 'blog']) {
      await admin.apply(sender(`${where}/domain`, { domain: `${where}-secret.example` }));
      await admin.apply(list(`${where}/letters-of-${where}`), user(`${where}/app-of-${where}`, { active: true }));
    }
    [tenant, blogger, platform, stranger] = await Promise.all([
      tokenOf('shop', 'tenant'),
      tokenOf('blog', 'blogger'),
      tokenOf('team', 'platform'),
      tokenOf('team', 'stranger'),
    ]);
    const view = (where: string, who: string) =>
      cluster().kubectl([
        '-n',
        where,
        'create',
        'rolebinding',
        'viewer',
        '--clusterrole=smtp-plus-view',
        `--serviceaccount=${who}`,
      ]);
    await view('shop', 'shop:tenant');
    await view('blog', 'blog:blogger');
    await cluster().kubectl([
      'create',
      'clusterrolebinding',
      'platform',
      '--clusterrole=cluster-admin',
      '--serviceaccount=team:platform',
    ]);
    operator = await startTestOperator(cluster(), kubeconfig);
    for (const where of ['shop', 'blog']) await admin.secret(`${where}/app-of-${where}-smtp`);
    await operator.idle();
  });

  async function tokenOf(where: string, name: string): Promise<string> {
    const { users } = parse(await readFile(await cluster().serviceAccount(where, name), 'utf8')) as {
      users: { user: { token: string } }[];
    };
    return users[0]?.user.token ?? assert.fail();
  }

  async function start(t: TestContext, settings: object = {}) {
    const given = settingsSchema.parse({ console: { enabled: true, ...settings } });
    const client = createClient(tokenCredentials(cluster(), kubeconfig, cluster().url));
    const troubles: string[] = [];
    const pages = consoleWhenOn({
      client,
      namespace: OPERATOR_NAMESPACE,
      settings: () => given,
      namespacesInUse: operator.namespacesInUse,
      askRelays: operator.askRelays,
      onTrouble: (message) => troubles.push(message),
    });
    const nothing = {
      readers: () => 'everybody' as const,
      metrics: async () => ({ contentType: '', body: '' }),
      unhealthy: () => undefined,
      unready: () => undefined,
    };
    const http = await startHttp({ ...nothing, configz: () => ({}) }, { host: '127.0.0.1', port: 0, forPeople: pages });
    t.after(async () => {
      await http.close();
      client.close();
    });
    const ask = async (path: string, headers: Record<string, string> = {}) => {
      const response = await fetch(`http://127.0.0.1:${http.port}/console${path}`, { headers, redirect: 'manual' });
      return { status: response.status, headers: response.headers, text: await response.text() };
    };
    const as =
      (token: string) =>
      (path: string, headers: Record<string, string> = {}) =>
        ask(path, { ...headers, authorization: `Bearer ${token}` });
    return { ask, as, troubles };
  }

  const OF_SHOP = /app-of-shop|letters-of-shop|shop-secret/;
  const OF_BLOG = /app-of-blog|letters-of-blog|blog-secret/;

  test('shows a tenant its namespaces, with everything that is in them', async (t) => {
    const { as } = await start(t);
    const ask = as(tenant);
    assert.match((await ask('/')).text, /system:serviceaccount:shop:tenant/);
    for (const [path, words] of [
      ['/users', /shop\/app-of-shop/],
      ['/lists', /shop\/letters-of-shop/],
      ['/senders', /@shop-secret\.example/],
      ['/users/shop/app-of-shop', /app-of-shop\.shop/],
      ['/users?namespace=shop', /shop\/app-of-shop/],
    ] as const) {
      const { status, text } = await ask(path);
      assert.equal(status, 200, path);
      assert.match(text, words);
      assert.doesNotMatch(text, OF_BLOG, path);
    }
  });

  test('shows a tenant nothing of another one, whatever it tries', async (t) => {
    const { as } = await start(t);
    const ask = as(tenant);
    const tries: readonly (readonly [path: string, headers?: Record<string, string>])[] = [
      ['/users/blog/app-of-blog'],
      ['/lists/blog/letters-of-blog'],
      ['/senders/blog/domain'],
      ['/users?namespace=blog'],
      ['/lists?namespace=blog'],
      ['/senders?namespace=blog'],
      ['/refusals?namespace=blog'],
      ['/queue?namespace=blog'],
      ['/?namespace=blog'],
      ['/users?namespace=shop&namespace=blog'],
      ['/users?namespace='],
      ['/users?namespace=*'],
      ['/users?namespace=shop%2F..%2Fblog'],
      ['/users?namespace=..%2Fnamespaces%2Fblog'],
      ['/users?namespace=shop%3FlabelSelector%3D'],
      ['/users/shop%2F..%2Fblog/app-of-blog'],
      ['/users/shop/..%2F..%2Fblog%2Fapp-of-blog'],
      ['/relays'],
      ['/mail'],
      ['/users', { 'x-forwarded-user': 'admin', 'x-forwarded-groups': 'system:masters' }],
      ['/users', { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' }],
      ['/users', { 'impersonate-user': 'system:admin', 'impersonate-group': 'system:masters' }],
      ['/users', { 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1' }],
      ['/refusals'],
      ['/queue'],
      ['/'],
    ];
    for (const [path, headers] of tries) {
      const { text } = await ask(path, headers);
      assert.doesNotMatch(text, OF_BLOG, `${path} ${JSON.stringify(headers)}`);
    }
    assert.match((await as(blogger)('/users')).text, OF_BLOG);
  });

  test('shows the platform all of it, with the relays, and holds no Secret', async (t) => {
    const pod = await startRelayPod(admin, 'relay-0');
    t.after(() => pod.close());
    const { as } = await start(t);
    const ask = as(platform);
    const { text } = await ask('/users');
    assert.match(text, OF_SHOP);
    assert.match(text, OF_BLOG);
    assert.match((await ask('/relays')).text, /relay-0/);
    const { password = '' } = await admin.secret('shop/app-of-shop-smtp');
    for (const path of [
      '/',
      '/users',
      '/users/shop/app-of-shop',
      '/lists',
      '/senders',
      '/refusals',
      '/queue',
      '/relays',
    ]) {
      const page = await ask(path);
      assert.equal(page.status, 200, path);
      assert.ok(!page.text.includes(password) && !page.text.includes(platform), path);
    }
    assert.equal((await ask('/mail')).status, 404);
  });

  for (const phase of ['Succeeded', 'Failed']) {
    test(`sends the token of a class to no address of a pod that is ${phase}: somebody else may have it by now`, async (t) => {
      const pod = await startRelayPod(admin, `relay-${phase.toLowerCase()}`);
      t.after(() => pod.close());
      // it would answer still
      const isShown = async () => (await operator.askRelays()).some(({ state }) => state !== undefined);
      await eventually(async () => assert.equal(await isShown(), true));
      const status = { phase, conditions: [{ type: 'Ready', status: 'False' }] };
      await admin.patch('Pod', `${OPERATOR_NAMESPACE}/relay-${phase.toLowerCase()}`, { status }, 'status');
      await eventually(async () => assert.equal(await isShown(), false));
    });
  }

  test('shows nothing to whoever has no rights, and no page to whoever is nobody', async (t) => {
    const { ask, as } = await start(t);
    const page = await as(stranger)('/users');
    assert.equal(page.status, 200);
    assert.doesNotMatch(page.text, OF_SHOP);
    assert.doesNotMatch(page.text, OF_BLOG);
    const forged: readonly Record<string, string>[] = [
      {},
      { authorization: 'Bearer nonsense' },
      { authorization: `Bearer ${tenant.slice(0, -8)}AAAAAAAA` },
      { authorization: `Basic ${tenant}` },
      { authorization: `Bearer ${tenant}, Bearer ${platform}` },
      { 'x-forwarded-user': 'admin', 'x-forwarded-groups': 'platform' },
    ];
    for (const headers of forged) {
      for (const path of ['/', '/users', '/style.css']) {
        const { status, text } = await ask(path, headers);
        assert.equal(status, 401, JSON.stringify(headers));
        assert.match(text, /kubectl create token/);
      }
    }
  });

  test('believes an authenticating proxy who it is, by the rights of that name, and by no group that is the API server’s own', async (t) => {
    const subject = ['--user=jane@example.com', '--group=shop-team'];
    await cluster().kubectl([
      '-n',
      'shop',
      'create',
      'rolebinding',
      'jane',
      '--clusterrole=smtp-plus-view',
      ...subject,
    ]);
    const { ask } = await start(t, { trustedProxies: ['127.0.0.0/8'] });
    for (const headers of [
      { 'x-forwarded-user': 'jane@example.com' },
      { 'x-forwarded-user': 'joe@example.com', 'x-forwarded-groups': 'others, shop-team' },
    ]) {
      const { text } = await ask('/users', headers);
      assert.match(text, OF_SHOP);
      assert.doesNotMatch(text, OF_BLOG);
    }
    const master = {
      'x-forwarded-user': 'joe@example.com',
      'x-forwarded-groups': 'system:masters,system:serviceaccounts:team',
    };
    assert.doesNotMatch((await ask('/users', master)).text, OF_SHOP);
    assert.equal((await ask('/users', { 'x-forwarded-user': 'system:admin' })).status, 401);
    const elsewhere = await start(t, { trustedProxies: ['192.0.2.0/24', '::1/128'] });
    assert.equal((await elsewhere.ask('/users', { 'x-forwarded-user': 'jane@example.com' })).status, 401);
  });

  test('sees a right that is taken away within seconds', async (t) => {
    const guest = await tokenOf('shop', 'guest');
    await cluster().kubectl([
      '-n',
      'shop',
      'create',
      'rolebinding',
      'guest',
      '--clusterrole=smtp-plus-view',
      '--serviceaccount=shop:guest',
    ]);
    const { as } = await start(t);
    assert.match((await as(guest)('/users')).text, OF_SHOP);
    await cluster().kubectl(['-n', 'shop', 'delete', 'rolebinding', 'guest']);
    // asked anew by one that remembers nothing
    const later = await start(t);
    assert.doesNotMatch((await later.as(guest)('/users')).text, OF_SHOP);
  });

  test('is not there unless the settings say so', async (t) => {
    const { as } = await start(t, { enabled: undefined });
    assert.equal((await as(platform)('/users')).status, 404);
  });

  test('without its rights says that it cannot, and not why', async (t) => {
    await cluster().kubectl(['delete', 'clusterrolebinding', 'smtp-plus-console']);
    t.after(async () => {
      const account = `--serviceaccount=${OPERATOR_NAMESPACE}:smtp-plus-operator`;
      await cluster().kubectl([
        'create',
        'clusterrolebinding',
        'smtp-plus-console',
        '--clusterrole=smtp-plus-console',
        account,
      ]);
    });
    const { as, troubles } = await start(t);
    const { status, text } = await as(platform)('/users');
    assert.equal(status, 503);
    assert.doesNotMatch(text, /tokenreviews/);
    assert.match(troubles.join(), /tokenreviews/);
  });
});
