/** Certificates on a real API server: a client that verifies by its Secret is never refused, whatever becomes of the Secrets. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { before, beforeEach, test, type TestContext } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { makeAuthority, makeLeaf } from '../../operator/certificates/make.ts';
import { settingsSchema } from '../../operator/settings/settings.ts';
import { needsCommand } from '../support/commands.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually, until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { createAdmin, namespace, secret, sender, user, type Admin } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';
import { startRelayOfCluster, type RelayOfCluster } from './support/relay-of-cluster.ts';
import { makeReadyPod } from './support/relay-pod.ts';

const run = promisify(execFile);
const DAY = 24 * 60 * 60 * 1000;
const PUBLISHED = `${OPERATOR_NAMESPACE}/smtp-plus-default-tls`;
const STATE = `${OPERATOR_NAMESPACE}/smtp-plus-default-authority`;
const SOURCE = `${OPERATOR_NAMESPACE}/given`;
const CLIENT_MS = 30_000;
/** Verifies by a file of authorities, and prints what it was greeted with. */
const PYTHON = `
import smtplib, ssl, sys
with smtplib.SMTP_SSL("localhost", int(sys.argv[1]), context=ssl.create_default_context(cafile=sys.argv[2])) as smtp:
    print(smtp.noop()[0])
`;

describeWithControlPlane('certificates of the relays', (cluster) => {
  let kubeconfig: string;
  let admin: Admin;
  before(async () => {
    kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    await admin.apply(namespace('shop'), sender('shop/domain', { domain: 'shop.example' }), user('shop/app'));
  });
  beforeEach(async () => {
    for (const key of [PUBLISHED, STATE, SOURCE, 'shop/app-smtp']) await admin.remove('Secret', key).catch(() => {});
  });

  /** An operator whose clock is the test's; so far in the past that what it makes meanwhile is valid now. */
  function createTime() {
    let now = Date.now() - 80 * DAY;
    return {
      now: () => new Date(now),
      pass: (days: number) => {
        now += days * DAY;
      },
    };
  }

  async function start(
    t: TestContext,
    { tls = {}, now }: { tls?: object; now: () => Date },
    more: { lease?: boolean } = {},
  ): Promise<TestOperator> {
    const settings = { classes: { default: { tls, existingSenders: [{ shop: 'shop.example' }] } } };
    const { classes } = settingsSchema.parse(settings);
    const operator = await startTestOperator(cluster(), kubeconfig, {
      settings,
      withLease: more.lease ?? false,
      instead: { certificates: { classes, now, lookMs: 50 } },
    });
    t.after(operator.close);
    return operator;
  }

  const published = async () => (await admin.secret(PUBLISHED))['tls.crt'] ?? '';
  const authoritiesOfUser = async () =>
    (await admin.secret('shop/app-smtp'))['ca.crt']?.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g) ?? [];
  const userHas = async (count: number) =>
    eventually(async () => assert.equal((await authoritiesOfUser()).length, count));

  async function greet(relay: RelayOfCluster): Promise<TLSSocket> {
    const ca = await authoritiesOfUser();
    const socket = connect({ host: '127.0.0.1', port: relay.implicitTlsPort, servername: 'localhost', ca });
    socket.setTimeout(CLIENT_MS, () => socket.destroy(new Error('the relay says nothing')));
    const [greeting] = (await once(socket, 'data')) as [Buffer];
    assert.match(greeting.toString(), /^220 /);
    assert.equal(socket.authorized, true);
    return socket;
  }

  /** A client of another maker each time, by what the user's Secret says now. */
  async function verifyByOthers(t: TestContext, relay: RelayOfCluster): Promise<void> {
    const file = path.join(await folderOf(t), 'ca.crt');
    await writeFile(file, (await authoritiesOfUser()).join(''));
    const port = String(relay.implicitTlsPort);
    if (needsCommand(t, 'python3')) {
      const { stdout } = await run('python3', ['-c', PYTHON, port, file], { timeout: CLIENT_MS });
      assert.match(stdout, /^250/);
    }
    if (!needsCommand(t, 'openssl')) return;
    const verify = ['-verify_return_error', '-verify_hostname', 'localhost', '-CAfile', file, '-no-CApath'];
    const opened = run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...verify], { timeout: CLIENT_MS });
    opened.child.stdin?.end('QUIT\r\n');
    assert.match((await opened).stdout, /Verification: OK/);
  }

  /** A client that reads its Secret and connects, over and over again. */
  function keepConnecting(relay: RelayOfCluster) {
    const over = new AbortController();
    let count = 0;
    const loop = (async () => {
      for (; !over.signal.aborted; count++) (await greet(relay)).destroy();
    })();
    return {
      end: async () => {
        over.abort();
        await loop;
        assert.ok(count > 0);
      },
    };
  }

  test('are made, renewed and turned over without a moment in which a client is refused', async (t) => {
    const time = createTime();
    let operator = await start(t, time);
    const relay = await startRelayOfCluster(t, admin, PUBLISHED);
    await makeReadyPod(admin, { name: 'relay-0', port: relay.httpPort });
    t.after(() => admin.remove('Pod', `${OPERATOR_NAMESPACE}/relay-0`));
    await userHas(1);
    const held = await greet(relay);
    const clients = keepConnecting(relay);
    await verifyByOthers(t, relay);
    const first = await published();
    assert.deepEqual(Object.keys(await admin.secret(PUBLISHED)).sort(), ['ca.crt', 'tls.crt', 'tls.key']);
    assert.equal((await admin.get('Secret', PUBLISHED))?.['type' as never], 'kubernetes.io/tls');

    // the same authority, after two thirds of its life
    time.pass(61);
    await eventually(async () => assert.notEqual(await published(), first));
    await verifyByOthers(t, relay);
    assert.equal((await authoritiesOfUser()).length, 1);
    const second = await published();

    // another authority; whoever is stopped on the way finds where it was
    await admin.remove('Secret', STATE);
    await userHas(2);
    await until(async () => stateOf(await admin.secret(STATE)).trusted.every(({ told }) => told), {
      what: 'users were told',
    });
    assert.equal(await published(), second);
    await verifyByOthers(t, relay);
    await operator.close();
    operator = await start(t, time);
    time.pass(0.9);
    await operator.idle();
    assert.equal(await published(), second);
    time.pass(0.2);
    await eventually(async () => assert.notEqual(await published(), second));
    await verifyByOthers(t, relay);
    await operator.close();
    operator = await start(t, time);
    await until(async () => stateOf(await admin.secret(STATE)).trusted.some(({ unused }) => unused), {
      what: 'no relay uses it any more',
    });
    assert.equal((await authoritiesOfUser()).length, 2);
    time.pass(7.1);
    await userHas(1);
    await verifyByOthers(t, relay);

    await clients.end();
    held.write('NOOP\r\n');
    assert.match(String(((await once(held, 'data')) as [Buffer])[0]), /^250 /, 'a session outlives all of that');
    held.destroy();
    const events = await cluster().kubectl(['-n', OPERATOR_NAMESPACE, 'get', 'events', '-o', 'json']);
    for (const reason of ['CertificateAnnounced', 'CertificateRenewed', 'AuthorityDropped']) {
      await eventually(() => assert.match(events, new RegExp(`"reason": "${reason}"`)));
    }
    assert.deepEqual(operator.troubles, []);
  });

  test('are as they were after a restart, and cost nothing as long as nothing changes', async (t) => {
    const time = createTime();
    const first = await start(t, time);
    await userHas(1);
    await first.close();
    const before = [await admin.secret(PUBLISHED), await admin.secret(STATE)];
    const second = await start(t, time);
    await second.idle();
    const writes = second.writes();
    // a few looks
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(second.writes(), writes);
    assert.deepEqual([await admin.secret(PUBLISHED), await admin.secret(STATE)], before);
  });

  test('are put right where somebody has damaged or deleted what relays mount', async (t) => {
    await start(t, createTime());
    const good = await admin.secret(PUBLISHED);
    await admin.patch('Secret', PUBLISHED, { data: { 'tls.key': 'AAAA', more: 'AAAA' } });
    await eventually(async () => assert.deepEqual(await admin.secret(PUBLISHED), good));
    await admin.remove('Secret', PUBLISHED);
    await eventually(async () => assert.deepEqual(await admin.secret(PUBLISHED), good));
  });

  test('stay in use where the state is damaged, while another authority is told', async (t) => {
    const time = createTime();
    const operator = await start(t, time);
    await userHas(1);
    const leaf = await published();
    await operator.close();
    await admin.patch('Secret', STATE, { data: { 'state.json': Buffer.from('{').toString('base64') } });
    await start(t, time);
    await userHas(2);
    assert.equal(await published(), leaf);
  });

  test('leave a Secret of somebody else alone, and say so', async (t) => {
    await admin.apply(secret(PUBLISHED, { mine: 'yes' }));
    const operator = await start(t, createTime());
    await until(() => operator.troubles.some((text) => /smtp-plus-default-tls has no label/.test(text)), {
      what: 'it is said',
    });
    assert.deepEqual(await admin.secret(PUBLISHED), { mine: 'yes' });
    await admin.remove('Secret', PUBLISHED);
    await until(async () => (await published()) !== '', { what: 'it is made once the other is gone' });
  });

  test('come from a Secret, whose new authority is told before relays have its certificate', async (t) => {
    const time = createTime();
    await admin.apply(secret(SOURCE, await given(time.now())));
    const operator = await start(t, { ...time, tls: { secretName: 'given' } });
    await userHas(1);
    const first = await published();
    const other = await given(time.now());
    await admin.apply(secret(SOURCE, other));
    await userHas(2);
    await until(async () => stateOf(await admin.secret(STATE)).trusted.every(({ told }) => told), {
      what: 'users were told',
    });
    assert.equal(await published(), first);
    time.pass(1.1);
    await eventually(async () => assert.equal(await published(), other['tls.crt']));
    // a slip afterwards does no harm, and is told
    await admin.apply(secret(SOURCE, { ...other, 'tls.key': 'nonsense' }));
    await until(() => operator.troubles.some((text) => /Secret given: tls\.crt or tls\.key is no PEM/.test(text)), {
      what: 'told',
    });
    assert.equal(await published(), other['tls.crt']);
    const metrics = await operator.metrics.registry.metrics();
    assert.match(metrics, /certificate_troubles\{class="default",reason="CertificateUnreadable"\} 1/);
    const expiry = /certificate_expiry_timestamp_seconds\{class="default"\} (\d+)/.exec(metrics)?.[1];
    assert.equal(Number(expiry) * 1000, Date.parse(new X509Certificate(other['tls.crt']).validTo));
  });

  test('come from a Secret without ca.crt, and users then have none', async (t) => {
    const time = createTime();
    const { 'ca.crt': _, ...publicly } = await given(time.now());
    await admin.apply(secret(SOURCE, publicly));
    await start(t, { ...time, tls: { secretName: 'given' } });
    assert.equal(await published(), publicly['tls.crt']);
    assert.equal((await admin.secret('shop/app-smtp'))['ca.crt'], undefined);
    assert.equal((await admin.secret(PUBLISHED))['ca.crt'], undefined);
  });

  test('are waited for where the Secret is still to come', async (t) => {
    const time = createTime();
    const operator = await start(t, { ...time, tls: { secretName: 'given' } });
    await until(() => operator.troubles.some((text) => /there is no Secret given/.test(text)), { what: 'it is said' });
    await admin.apply(secret(SOURCE, await given(time.now())));
    await until(async () => (await published()) !== '', { what: 'relays have it' });
    await userHas(1);
  });

  test('are those of one authority, however many operators start at once', async (t) => {
    const time = createTime();
    const first = start(t, time, { lease: true });
    const second = start(t, time, { lease: true });
    const winner = await Promise.race([first, second]);
    await userHas(1);
    const before = await admin.secret(STATE);
    await winner.close();
    await Promise.all([first, second]);
    assert.deepEqual(await admin.secret(STATE), before);
    await userHas(1);
  });
});

function stateOf(data: Readonly<Record<string, string>>) {
  return JSON.parse(data['state.json'] ?? '') as { trusted: { told?: string; unused?: string }[] };
}

async function given(now: Date) {
  const ca = await makeAuthority(now);
  const leaf = await makeLeaf(ca, { hostnames: ['localhost'], now, days: 90 });
  return { 'tls.crt': leaf.pem, 'tls.key': leaf.key, 'ca.crt': ca.pem };
}
