/** What the operator makes of a cluster, on a real API server, as its restricted ServiceAccount. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyPassword } from '../../relay/password-hash.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually, until } from '../support/eventually.ts';
import { createAdmin, list, namespace, secret, sender, user, type Admin } from './support/admin.ts';
import { startRelayPod } from './support/relay-pod.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';

const settings = {
  classes: {
    default: {
      hostname: 'smtp.example.com',
      existingSenders: [
        ...['shop', 'late', 'first', 'own', 'rotated', 'columns'].map((name) => ({ [name]: `${name}.example` })),
        { 'z-older': 'both.example' },
        { 'a-younger': 'both.example' },
      ],
    },
  },
};

describeWithControlPlane('the operator', (cluster) => {
  let admin: Admin;
  let kubeconfig: string;
  let operator: TestOperator;
  before(async () => {
    kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    operator = await startTestOperator(cluster(), kubeconfig, { settings });
  });
  after(async () => {
    await operator.close();
    admin.client.close();
  });

  async function restart(): Promise<void> {
    await operator.close();
    operator = await startTestOperator(cluster(), kubeconfig, { settings });
    await operator.idle();
  }
  /** A namespace with a verified domain of its own. */
  const tenant = (name: string) => [namespace(name), sender(`${name}/domain`, { domain: `${name}.example` })];

  test('gives a user a Secret, a status and a place in the configuration of the relay', async () => {
    await admin.apply(...tenant('shop'), user('shop/orders'));
    const credentials = await admin.secret('shop/orders-smtp');
    assert.equal(credentials['username'], 'orders.shop');
    assert.equal(credentials['host'], 'smtp.example.com');
    await admin.waitFor('SmtpPlusUser', 'shop/orders', 'Active', 'True Active');
    await eventually(async () => {
      const entry = (await admin.relayUsers())['orders.shop'];
      assert.equal(entry?.active, true);
      assert.ok(await verifyPassword(credentials['password'] ?? '', entry?.credentials[0]?.verifier ?? ''));
    });
  });

  test('a sender that comes after its user makes the user active', async () => {
    await admin.apply(namespace('late'), user('late/app'));
    await admin.waitFor('SmtpPlusUser', 'late/app', 'Active', 'False NoVerifiedSender');
    await admin.apply(...tenant('late'));
    await admin.waitFor('SmtpPlusUser', 'late/app', 'Active', 'True Active');
  });

  test('a user that comes before its list is accepted when the list comes, and refused when it goes', async () => {
    await admin.apply(namespace('lists'), user('lists/app', { listRef: { name: 'letters' } }));
    await admin.waitFor('SmtpPlusUser', 'lists/app', 'Accepted', 'False ListNotFound');
    await admin.apply(list('lists/letters'));
    await admin.waitFor('SmtpPlusUser', 'lists/app', 'Accepted', 'True Accepted');
    await eventually(async () => assert.equal((await admin.relayUsers())['app.lists']?.list, 'lists/letters'));
    await admin.remove('SmtpPlusList', 'lists/letters');
    await admin.waitFor('SmtpPlusUser', 'lists/app', 'Accepted', 'False ListNotFound');
    await eventually(async () => assert.equal((await admin.relayUsers())['app.lists'], undefined));
  });

  test('a Secret that was deleted is made again, and one that was edited is repaired', async () => {
    await admin.apply(namespace('repair'), user('repair/app'));
    await admin.secret('repair/app-smtp');
    await admin.remove('Secret', 'repair/app-smtp');
    const second = await admin.secret('repair/app-smtp');
    await eventually(async () => {
      const [credential] = (await admin.relayUsers())['app.repair']?.credentials ?? [];
      assert.ok(await verifyPassword(second['password'] ?? '', credential?.verifier ?? ''));
    });
    const stranger = { host: Buffer.from('evil.example').toString('base64'), extra: 'AAAA' };
    await admin.patch('Secret', 'repair/app-smtp', { data: stranger });
    await eventually(async () => assert.deepEqual(await admin.secret('repair/app-smtp'), second));
    await admin.patch('Secret', 'repair/app-smtp', { metadata: { labels: { 'app.kubernetes.io/managed-by': null } } });
    await eventually(async () => {
      const { metadata } = (await admin.get('Secret', 'repair/app-smtp')) ?? assert.fail();
      assert.equal(metadata.labels?.['app.kubernetes.io/managed-by'], 'smtp-plus');
    });
    assert.deepEqual(await admin.secret('repair/app-smtp'), second);
  });

  test('a Secret that somebody else made is left alone until it is gone, and an Event says so', async () => {
    await admin.apply(namespace('taken'), secret('taken/app-smtp', { mine: 'yes' }), user('taken/app'));
    await admin.waitFor('SmtpPlusUser', 'taken/app', 'CredentialsReady', 'False SecretNotOwned');
    assert.deepEqual(await admin.secret('taken/app-smtp'), { mine: 'yes' });
    await eventually(async () => {
      const events = await cluster().kubectl(['-n', 'taken', 'get', 'events', '-o', 'yaml']);
      assert.match(events, /reason: SecretNotOwned/);
    });
    await admin.remove('Secret', 'taken/app-smtp');
    await eventually(async () => assert.equal((await admin.secret('taken/app-smtp'))['username'], 'app.taken'));
  });

  test('the Secret of a user that is gone is deleted', async () => {
    await admin.apply(namespace('gone'), user('gone/app'));
    await admin.secret('gone/app-smtp');
    await admin.remove('SmtpPlusUser', 'gone/app');
    await eventually(async () => assert.equal(await admin.get('Secret', 'gone/app-smtp'), undefined));
    await eventually(async () => assert.equal((await admin.relayUsers())['app.gone'], undefined));
  });

  test('of two users that want one address as user name the older has it, and the younger is told', async () => {
    await admin.apply(...tenant('first'), user('first/a', { username: 'mail@first.example' }));
    await admin.waitFor('SmtpPlusUser', 'first/a', 'Accepted', 'True Accepted');
    await admin.apply(user('first/b', { username: 'mail@first.example' }));
    await admin.waitFor('SmtpPlusUser', 'first/b', 'Accepted', 'False UsernameTaken');
    await admin.remove('SmtpPlusUser', 'first/a');
    await admin.waitFor('SmtpPlusUser', 'first/b', 'Accepted', 'True Accepted');
  });

  test('of two namespaces that may both use an address the older user has it as its name, and the other learns no more', async () => {
    const shared = (name: string) => [namespace(name), sender(`${name}/domain`, { domain: 'both.example' })];
    await admin.apply(...shared('z-older'), ...shared('a-younger'));
    await admin.apply(user('z-older/app', { username: 'desk@both.example' }));
    await admin.waitFor('SmtpPlusUser', 'z-older/app', 'Accepted', 'True Accepted');
    // the API server counts the time of creation in seconds
    await sleep(1100);
    await admin.apply(user('a-younger/app', { username: 'desk@both.example' }));
    const { message } = await admin.waitFor('SmtpPlusUser', 'a-younger/app', 'Accepted', 'False UsernameTaken');
    assert.doesNotMatch(message, /z-older/);
    await restart();
    const { object } = (await admin.relayUsers())['desk@both.example'] ?? assert.fail();
    assert.equal(object, 'z-older/app');
    await admin.remove('SmtpPlusUser', 'z-older/app');
    await admin.waitFor('SmtpPlusUser', 'a-younger/app', 'Accepted', 'True Accepted');
  });

  test('a label on a namespace lets its users into a list, and taking it away puts them out', async () => {
    const selector = { from: 'Selector', selector: { matchLabels: { mail: 'yes' } } };
    await admin.apply(namespace('hub'), list('hub/shared', { allowedNamespaces: selector }));
    await admin.apply(namespace('spoke'), user('spoke/app', { listRef: { name: 'shared', namespace: 'hub' } }));
    await admin.waitFor('SmtpPlusUser', 'spoke/app', 'Accepted', 'False NamespaceNotAllowed');
    await admin.apply(namespace('spoke', { mail: 'yes' }));
    await admin.waitFor('SmtpPlusUser', 'spoke/app', 'Accepted', 'True Accepted');
    await admin.apply(namespace('spoke'));
    await admin.waitFor('SmtpPlusUser', 'spoke/app', 'Accepted', 'False NamespaceNotAllowed');
  });

  test("a person's own password is in force as soon as its Secret changes", async () => {
    const credentials = { passwordSecretRef: { name: 'chosen' } };
    await admin.apply(...tenant('own'), user('own/app', { credentials }));
    await admin.waitFor('SmtpPlusUser', 'own/app', 'CredentialsReady', 'False SecretNotFound');
    for (const password of ['correct horse battery', 'another staple entirely']) {
      await admin.apply(secret('own/chosen', { password: `${password}\n` }));
      await eventually(async () => {
        const verifier = (await admin.relayUsers())['app.own']?.credentials[0]?.verifier ?? '';
        assert.match(verifier, /^argon2id/);
        assert.ok(await verifyPassword(password, verifier));
      });
    }
    const { message } = await admin.waitFor('SmtpPlusUser', 'own/app', 'CredentialsReady', 'True CredentialsReady');
    assert.match(message, /newline/);
  });

  test('a rotated password is taken away when its time is over, also where the operator was down meanwhile', async () => {
    const overlapMs = 12_000;
    const rotation = (trigger: string) => ({ credentials: { rotation: { trigger, overlap: `${overlapMs / 1000}s` } } });
    await admin.apply(...tenant('rotated'), user('rotated/app', rotation('one')));
    const before = await admin.secret('rotated/app-smtp');
    await admin.apply(user('rotated/app', rotation('two')));
    await eventually(async () => assert.equal((await admin.relayUsers())['app.rotated']?.credentials.length, 2));
    assert.notEqual((await admin.secret('rotated/app-smtp'))['password'], before['password']);
    // the relay itself keeps to notAfter; the operator clears up afterwards
    const [, old] = (await admin.relayUsers())['app.rotated']?.credentials ?? [];
    const end = Date.parse(old?.notAfter ?? '');
    assert.ok(end <= Date.now() + overlapMs, old?.notAfter);
    await operator.close();
    await until(() => Date.now() > end, { what: 'its time is over' });
    await restart();
    await eventually(async () => assert.equal((await admin.relayUsers())['app.rotated']?.credentials.length, 1));
  });

  test('a namespace that is being deleted is no trouble', async () => {
    await restart();
    await admin.apply(namespace('doomed'), user('doomed/app'));
    await admin.secret('doomed/app-smtp');
    await admin.remove('Namespace', 'doomed');
    // without a controller manager nobody else clears it up
    await admin.remove('Secret', 'doomed/app-smtp');
    await admin.remove('SmtpPlusUser', 'doomed/app');
    await operator.idle();
    assert.equal(await admin.get('Secret', 'doomed/app-smtp'), undefined);
    assert.deepEqual(operator.troubles, []);
  });

  test('`kubectl wait` and the columns work', async () => {
    const inNamespace = (...args: string[]) => cluster().kubectl(['-n', 'columns', ...args]);
    await admin.apply(...tenant('columns'), user('columns/orders'));
    await inNamespace('wait', '--for=condition=Active', '--timeout=60s', 'spu/orders');
    assert.match(await inNamespace('get', 'spu'), /orders .*orders\.columns +orders-smtp +True/);
    await inNamespace('wait', '--for=condition=Verified', '--timeout=60s', 'vsender/domain');
    assert.match(await inNamespace('get', 'vsender'), /domain +@columns\.example +True +Grandfathered/);
  });

  test('a user is programmed and ready when every ready relay pod runs its configuration, and the one that lags is named', async (t) => {
    const [first, second] = [await startRelayPod(admin, 'relay-0'), await startRelayPod(admin, 'relay-1')];
    t.after(() => Promise.all([first.close(), second.close()]));
    const written = () => operator.written()['default'] ?? {};
    first.follow(written);
    await admin.apply(namespace('programmed'), user('programmed/app', { active: false }));
    await eventually(async () => {
      const { message } = await admin.waitFor('SmtpPlusUser', 'programmed/app', 'Programmed', 'False RelaysLagging');
      assert.match(message, /^pod relay-1 /);
    });
    second.follow(written);
    await admin.waitFor('SmtpPlusUser', 'programmed/app', 'Programmed', 'True Programmed');
    await cluster().kubectl(['-n', 'programmed', 'wait', '--for=condition=Ready', '--timeout=60s', 'spu/app']);
    const { metadata } = (await admin.get('Pod', `${OPERATOR_NAMESPACE}/relay-0`)) ?? assert.fail();
    assert.match(metadata.annotations?.['smtpplus.io/config-hash'] ?? '', /^[0-9a-f]{64}$/);
  });
});
