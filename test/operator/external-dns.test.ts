/** Weeks of a domain whose records external-dns publishes, on a real API server and with a real name server. */
import assert from 'node:assert/strict';
import { before, test, type TestContext } from 'node:test';
import { needsCommand } from '../support/commands.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { zoneLine } from '../support/dkim.ts';
import { startNsd, type DnsServer } from '../support/dns-server.ts';
import { eventually } from '../support/eventually.ts';
import { createAdmin, namespace, sender, user, type Admin } from './support/admin.ts';
import { installEndpoints, recordsIn, type EndpointRecord } from './support/dns-endpoints.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator } from './support/operator.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Timers know nothing of a clock that is moved: planning everything anew looks at it. */
const FULL_PLAN_MS = 300;

describeWithControlPlane('external-dns', (cluster) => {
  let kubeconfig: string;
  let admin: Admin;
  before(async () => {
    kubeconfig = await install(cluster());
    await installEndpoints(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
  });

  /** A domain that is to be signed, and an operator by a clock that can be moved. */
  async function start(t: TestContext, place: string, { dns, allowed }: { dns: DnsServer; allowed: 'DKIM' | 'All' }) {
    let ahead = 0;
    const spec = { dns: { publish: 'DNSEndpoint' }, dkim: { signing: 'Enabled', interval: '336h' } };
    await admin.apply(
      namespace(place),
      sender(`${place}/domain`, { domain: `${place}.example`, ...spec }),
      user(`${place}/app`),
    );
    const operator = await startTestOperator(cluster(), kubeconfig, {
      settings: { verification: { dnsServers: [dns.address], dnsEndpoints: allowed } },
      instead: { now: () => new Date(Date.now() + ahead), fullPlanMs: FULL_PLAN_MS },
    });
    t.after(operator.close);
    return { operator, pass: (ms: number) => void (ahead += ms) };
  }

  async function records(place: string, count: number): Promise<readonly EndpointRecord[]> {
    return eventually(async () => {
      const found = await recordsIn(admin, place);
      assert.equal(found.length, count, found.map(({ dnsName }) => dnsName).join());
      return found;
    });
  }

  /** What somebody publishes by hand. */
  async function proofOf(place: string): Promise<string> {
    return eventually(async () => {
      const { status } = (await admin.get('VerifiedSender', `${place}/domain`)) ?? {};
      const found = status?.['challenge'] as { recordName: string; recordValue: string } | undefined;
      assert.ok(found !== undefined);
      return zoneLine(found.recordName, found.recordValue);
    });
  }

  const linesOf = (all: readonly EndpointRecord[]) =>
    all.map(({ dnsName, targets }) => zoneLine(dnsName, targets[0] ?? ''));

  /** Mail is signed by these keys, and by no others. */
  async function signedBy(place: string, keys: readonly EndpointRecord[]): Promise<void> {
    await eventually(async () => {
      const { message } = await admin.waitFor('VerifiedSender', `${place}/domain`, 'Signing', 'True Signed');
      const selectors = keys.map(({ dnsName }) => dnsName.split('.')[0] ?? '');
      assert.deepEqual(message.match(/smtpplus-[0-9a-f]+-(rsa|ed25519)/g)?.toSorted(), selectors.toSorted());
    });
  }

  test('publishes new keys before they sign, and drops the old ones a week after', async (t) => {
    if (!needsCommand(t, 'nsd')) return;
    const dns = await startNsd(t);
    const { operator, pass } = await start(t, 'turned', { dns, allowed: 'DKIM' });
    const { message } = await admin.waitFor('VerifiedSender', 'turned/domain', 'Published', 'False NothingToPublish');
    assert.match(message, /by hand/);
    assert.deepEqual(await recordsIn(admin, 'turned'), []);
    const proof = await proofOf('turned');
    await dns.serve([proof]);
    pass(HOUR);
    const first = await records('turned', 2);
    await dns.serve([proof, ...linesOf(first)]);
    pass(HOUR);
    await signedBy('turned', first);

    pass(14 * DAY);
    const both = await records('turned', 4);
    const second = both.filter(({ dnsName }) => !first.some((one) => one.dnsName === dnsName));
    await admin.waitFor('VerifiedSender', 'turned/domain', 'Signing', 'True NextKeysAwaited');
    await admin.waitFor('VerifiedSender', 'turned/domain', 'Published', 'True Published');
    await dns.serve([proof, ...linesOf(both)]);
    pass(HOUR);
    await signedBy('turned', second);
    assert.deepEqual(await records('turned', 4), both);

    pass(8 * DAY);
    assert.deepEqual(await records('turned', 2), second);
    await dns.serve([proof, ...linesOf(second)]);
    await signedBy('turned', second);
    assert.deepEqual(operator.troubles, []);
  });

  test('proves a domain and publishes its keys without anybody, where the platform owner says so', async (t) => {
    if (!needsCommand(t, 'nsd')) return;
    const dns = await startNsd(t);
    const { pass } = await start(t, 'alone', { dns, allowed: 'All' });
    const proof = await records('alone', 1);
    assert.equal(proof[0]?.dnsName, '_smtpplus-challenge.alone.example');
    await dns.serve(linesOf(proof));
    pass(HOUR);
    await admin.waitFor('VerifiedSender', 'alone/domain', 'Verified', 'True DnsProof');
    const all = await records('alone', 3);
    await dns.serve(linesOf(all));
    pass(HOUR);
    await signedBy('alone', all.slice(1));
  });

  test('is no longer asked to publish the keys of a domain that is revoked', async (t) => {
    if (!needsCommand(t, 'nsd')) return;
    const dns = await startNsd(t);
    const { pass } = await start(t, 'lost', { dns, allowed: 'DKIM' });
    const proof = await proofOf('lost');
    await dns.serve([proof]);
    pass(HOUR);
    await records('lost', 2);
    await dns.serve([]);
    pass(27 * HOUR);
    await admin.waitFor('VerifiedSender', 'lost/domain', 'Verified', 'True RecordNotFound');
    await records('lost', 2);
    pass(73 * HOUR);
    await admin.waitFor('VerifiedSender', 'lost/domain', 'Verified', 'False Revoked');
    await records('lost', 0);
  });
});
