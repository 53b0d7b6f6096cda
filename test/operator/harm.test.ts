/** What one tenant, or a slip, must not do to others: each on a real API server. */
import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { verifyPassword } from '../../relay/password-hash.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { startEventRecorder, type EventAbout } from '../../operator/kubernetes/client/events.ts';
import { eventually, until } from '../support/eventually.ts';
import { createAdmin, list, namespace, secret, sender, user, type Admin } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';

describeWithControlPlane('an operator of many tenants', (cluster) => {
  let admin: Admin;
  let kubeconfig: string;
  let operator: TestOperator;
  before(async () => {
    kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    operator = await startTestOperator(cluster(), kubeconfig);
  });
  after(async () => {
    await operator.close();
    admin.client.close();
  });

  async function restart(settings: unknown = {}): Promise<void> {
    await operator.close();
    operator = await startTestOperator(cluster(), kubeconfig, { settings });
  }

  async function accepts(username: string, password: string): Promise<boolean> {
    const { credentials = [] } = (await admin.relayUsers())[username] ?? {};
    const verdicts = await Promise.all(credentials.map(({ verifier }) => verifyPassword(password, verifier)));
    return verdicts.includes(true);
  }

  /** Rewrites the passwords of five users of a namespace, all the time. */
  function changePasswords(t: TestContext, where: string): void {
    const over = new AbortController();
    const changing = (async () => {
      for (let i = 0; !over.signal.aborted; i++) {
        await admin.apply(secret(`${where}/p${i % 5}`, { password: `password number ${i}` }));
      }
    })();
    t.after(async () => {
      over.abort();
      await changing;
    });
  }

  /** By a quota, which is in force when this resolves. */
  async function forbidSecrets(where: string): Promise<void> {
    const inNamespace = (...args: string[]) => cluster().kubectl(['-n', where, ...args]);
    await inNamespace('create', 'quota', 'none', '--hard=secrets=0');
    // what the controller of quotas would do in a whole cluster
    const counted = JSON.stringify({ status: { hard: { secrets: '0' }, used: { secrets: '0' } } });
    await inNamespace('patch', 'quota', 'none', '--subresource=status', '--type=merge', '--patch', counted);
    await eventually(() =>
      assert.rejects(inNamespace('create', 'secret', 'generic', 'one', '--dry-run=server'), /quota/),
    );
  }

  const withPassword = (key: string, name: string) => user(key, { credentials: { passwordSecretRef: { name } } });

  test('says that a Secret cannot be written, in the words of the API server, and makes it when it can', async () => {
    await admin.apply(namespace('full'));
    await forbidSecrets('full');
    await admin.apply(user('full/app'));
    const refusal = await admin.waitFor('SmtpPlusUser', 'full/app', 'CredentialsReady', 'False SecretNotWritten');
    assert.match(refusal.message, /Secret full\/app-smtp cannot be written: 403 .*quota/);
    // the status may be there before the relays' configuration is
    const told = await eventually(
      async () => (await admin.relayUsers())['app.full'] ?? assert.fail('relays are not told'),
    );
    assert.deepEqual(told.credentials, [], 'no password that nobody has');
    await cluster().kubectl(['-n', 'full', 'delete', 'quota', 'none']);
    const { password = '' } = await admin.secret('full/app-smtp');
    await until(() => accepts('app.full', password), { what: 'it can log in' });
    await admin.waitFor('SmtpPlusUser', 'full/app', 'CredentialsReady', 'True CredentialsReady');
  });

  test('replaces a Secret that somebody made immutable, and both passwords are valid for the overlap', async () => {
    await admin.apply(namespace('rigid'), user('rigid/app'));
    const before = await admin.secret('rigid/app-smtp');
    await admin.patch('Secret', 'rigid/app-smtp', { immutable: true });
    const rotation = { trigger: 'now', overlap: '1h' };
    await admin.apply(user('rigid/app', { credentials: { rotation } }));
    const password = await eventually(async () => {
      const after = await admin.secret('rigid/app-smtp');
      assert.notEqual(after['password'], before['password']);
      return after['password'] ?? '';
    });
    await until(() => accepts('app.rigid', password), { what: 'the new password is valid' });
    assert.ok(await accepts('app.rigid', before['password'] ?? ''), 'and so is the one before');
  });

  test('replaces no Secret where the new one would be refused, and says why', async () => {
    await admin.apply(namespace('tight'), user('tight/app'));
    const before = await admin.secret('tight/app-smtp');
    await admin.patch('Secret', 'tight/app-smtp', { immutable: true });
    await forbidSecrets('tight');
    await admin.apply(user('tight/app', { credentials: { rotation: { trigger: 'now', overlap: '1h' } } }));
    await admin.waitFor('SmtpPlusUser', 'tight/app', 'CredentialsReady', 'False SecretNotWritten');
    assert.deepEqual(await admin.secret('tight/app-smtp'), before);
    await until(() => accepts('app.tight', before['password'] ?? ''), { what: 'the password that is there is valid' });
    await cluster().kubectl(['-n', 'tight', 'delete', 'quota', 'none']);
  });

  test('puts a label back that somebody took away, and makes the Secret again that is deleted afterwards', async () => {
    await admin.apply(namespace('strip'));
    const keys = Array.from({ length: 12 }, (_, i) => `strip/u${i}`);
    for (const key of keys) await admin.apply(user(key));
    for (const key of keys) {
      await admin.secret(`${key}-smtp`);
      await admin.patch('Secret', `${key}-smtp`, { metadata: { labels: { 'app.kubernetes.io/managed-by': null } } });
    }
    for (const key of keys) {
      await eventually(async () => {
        const { metadata } = (await admin.get('Secret', `${key}-smtp`)) ?? assert.fail();
        assert.equal(metadata.labels?.['app.kubernetes.io/managed-by'], 'smtp-plus');
      });
    }
    const last = 'strip/u11';
    const { password: first = '' } = await admin.secret(`${last}-smtp`);
    await until(() => accepts('u11.strip', first), { what: 'the first is valid' });
    await admin.remove('Secret', `${last}-smtp`);
    await until(async () => (await admin.get('Secret', `${last}-smtp`)) !== undefined, { what: 'it is made again' });
    const { password: second = '' } = await admin.secret(`${last}-smtp`);
    assert.notEqual(second, first);
    await until(() => accepts('u11.strip', second), { what: 'the second is valid' });
  });

  test('lets a user log in all the time while it goes from one Secret with a password to another', async () => {
    await admin.apply(namespace('move'), secret('move/a', { password: 'the first password' }));
    await admin.apply(secret('move/b', { password: 'the second password' }), withPassword('move/app', 'a'));
    await until(() => accepts('app.move', 'the first password'), { what: 'the first is in force' });
    await admin.apply(withPassword('move/app', 'b'));
    await until(
      async () => {
        const { credentials } = (await admin.relayUsers())['app.move'] ?? assert.fail('it is gone');
        assert.ok(credentials.length > 0);
        return accepts('app.move', 'the second password');
      },
      { what: 'the second is in force' },
    );
  });

  test('starts, and follows the passwords of others, while a tenant changes its own all the time', async (t) => {
    await admin.apply(namespace('busy'), namespace('calm'), secret('calm/own', { password: 'a calm password' }));
    for (let i = 0; i < 5; i++) {
      await admin.apply(secret(`busy/p${i}`, { password: 'a first password' }), withPassword(`busy/u${i}`, `p${i}`));
    }
    await admin.apply(withPassword('calm/app', 'own'));
    changePasswords(t, 'busy');
    await restart();
    await until(() => accepts('app.calm', 'a calm password'), { what: 'it serves' });
    await admin.apply(secret('calm/own', { password: 'another calm password' }));
    await until(() => accepts('app.calm', 'another calm password'), { what: 'it follows' });
  });

  test('follows the one Secret that exists, whoever names how many that do not', async () => {
    await admin.apply(
      namespace('greedy'),
      namespace('modest'),
      secret('modest/own', { password: 'a modest password' }),
    );
    for (let i = 0; i < 30; i++) await admin.apply(withPassword(`greedy/u${i}`, `absent-${i}`));
    await admin.apply(withPassword('modest/app', 'own'));
    await until(() => accepts('app.modest', 'a modest password'), { what: 'it is in force' });
    await admin.apply(secret('modest/own', { password: 'changed in a modest way' }));
    await until(() => accepts('app.modest', 'changed in a modest way'), { what: 'it is followed' });
    await admin.waitFor('SmtpPlusUser', 'greedy/u29', 'CredentialsReady', 'False SecretNotFound');
  });

  test('leaves out what a namespace has too much of, says so there, and serves the others', async () => {
    await admin.apply(namespace('crowd'), namespace('victim'), user('victim/app'));
    const ca = `-----BEGIN CERTIFICATE-----\n${'A'.repeat(33_000)}\n-----END CERTIFICATE-----\n`;
    const upstream = { host: 'smtp.example', caSecretRef: { name: 'ca' } };
    await admin.apply(secret('crowd/ca', { 'ca.crt': ca }), list('crowd/large', { upstream }));
    const verdict = await admin.waitFor('SmtpPlusList', 'crowd/large', 'UpstreamResolved', 'False CertificateInvalid');
    assert.match(verdict.message, /more than 32768 bytes/);
    const senders = Array.from({ length: 60 }, (_, i) =>
      sender(`crowd/s${i}`, { domain: `s${i}.example`, allowedNamespaces: { from: 'All' } }),
    );
    await admin.apply(...senders);
    await operator.idle();
    const { status } = (await admin.get('SmtpPlusUser', 'victim/app')) ?? assert.fail();
    assert.deepEqual(status?.['senders'] ?? [], [], 'what others have not proven is no concern of it');
  });

  test('clears away what somebody has put into a status, and is quiet afterwards', async () => {
    await admin.apply(namespace('forged'), sender('forged/domain', { domain: 'forged.example' }));
    const honest = await admin.waitFor('VerifiedSender', 'forged/domain', 'Verified', 'False ProofUnavailable');
    const forged = { ...honest, type: 'Foreign', status: 'True' };
    await admin.patch(
      'VerifiedSender',
      'forged/domain',
      { status: { method: 'DnsProof', conditions: [forged] } },
      'status',
    );
    await eventually(async () => {
      const { status } = (await admin.get('VerifiedSender', 'forged/domain')) ?? assert.fail();
      assert.deepEqual(status?.conditions?.map(({ type }) => type).toSorted(), ['Ready', 'Stalled', 'Verified']);
      assert.equal(status?.['method'], undefined);
    });
    await operator.idle();
    const { metadata } = (await admin.get('VerifiedSender', 'forged/domain')) ?? assert.fail();
    await restart();
    await operator.idle();
    const after = (await admin.get('VerifiedSender', 'forged/domain')) ?? assert.fail();
    assert.equal(after.metadata.resourceVersion, metadata.resourceVersion);
  });

  test('makes Events about objects with the longest of names', async () => {
    const name = `${'a'.repeat(199)}-${'b'.repeat(50)}`;
    await admin.apply(namespace('long'), sender(`long/${name}`, { domain: 'long.example' }));
    await until(
      async () => {
        const names = await cluster().kubectl(['-n', 'long', 'get', 'events', '-o', 'name']);
        return names.includes('aaa');
      },
      { what: 'the Event is there' },
    );
  });

  test('makes Events of messages that are longer than the API server takes, cut between two letters', async (t) => {
    const troubles: string[] = [];
    const onTrouble = (message: string) => void troubles.push(message);
    const events = startEventRecorder<EventAbout>(admin.client, { instance: 'test', onTrouble });
    t.after(events.close);
    const meta = { namespace: 'default', name: 'wordy', uid: 'wordy' };
    events.record({
      kind: 'Secret',
      apiVersion: 'v1',
      meta,
      type: 'Normal',
      reason: 'Wordy',
      message: `a${'ü'.repeat(2000)}`,
    });
    const message = await eventually(async () => {
      const { items } = JSON.parse(await cluster().kubectl(['get', 'events', '-o', 'json'])) as {
        items: { reason: string; message: string }[];
      };
      return items.find(({ reason }) => reason === 'Wordy')?.message ?? assert.fail(troubles.join());
    });
    assert.equal(message, `a${'ü'.repeat(511)}`);
  });

  test('clears keys that somebody adds to the configuration, and takes over no Secret of its name', async () => {
    await admin.apply(secret(`${OPERATOR_NAMESPACE}/smtp-plus-bulk-class`, { mine: 'yes' }));
    await restart({ classes: { default: {}, bulk: {} } });
    const shard = `${OPERATOR_NAMESPACE}/smtp-plus-default-shard-007`;
    await admin.patch('Secret', shard, { data: { 'shard-031.json': 'AAAA' } });
    await eventually(async () => assert.deepEqual(Object.keys(await admin.secret(shard)), ['shard-007.json']));
    await until(() => operator.troubles.some((line) => line.includes('smtp-plus-bulk-class has no label')), {
      what: 'it says so',
    });
    assert.deepEqual(await admin.secret(`${OPERATOR_NAMESPACE}/smtp-plus-bulk-class`), { mine: 'yes' });
    await restart();
  });

  test('does not start without the id that its credentials were made with', async () => {
    await admin.apply(namespace('kept'), user('kept/app'));
    const before = await admin.secret('kept/app-smtp');
    const installation = await admin.secret(`${OPERATOR_NAMESPACE}/smtp-plus-installation`);
    await operator.close();
    await admin.remove('Secret', `${OPERATOR_NAMESPACE}/smtp-plus-installation`);
    await assert.rejects(startTestOperator(cluster(), kubeconfig), /is gone, but there are credentials.*Restore it/s);
    await admin.apply(secret(`${OPERATOR_NAMESPACE}/smtp-plus-installation`, installation));
    await restart();
    await operator.idle();
    assert.deepEqual(await admin.secret('kept/app-smtp'), before);
  });
});
