/** Proof by DNS on a real API server, with a real name server: what is kept of it, and what nobody gets by cheating. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { API_VERSION } from '../../operator/api/common.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { needsCommand } from '../support/commands.ts';
import { readInstallation } from '../../operator/kubernetes/installation-secret.ts';
import { SENDER_EVIDENCE } from '../../operator/kubernetes/write/evidence-kinds.ts';
import { startNsd, type DnsServer } from '../support/dns-server.ts';
import { eventually } from '../support/eventually.ts';
import { createAdmin, type Admin } from './support/admin.ts';
import { removeEvidence } from './support/sender-records.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';

const NOWHERE = '127.0.0.1:9';

describeWithControlPlane('senders that prove themselves by DNS', (cluster) => {
  let kubeconfig: Promise<string> | undefined;
  const installed = (): Promise<string> => (kubeconfig ??= install(cluster()));

  async function start(servers: readonly string[], more: object = {}): Promise<TestOperator> {
    return startTestOperator(cluster(), await installed(), {
      settings: { verification: { dnsServers: servers, ...more } },
    });
  }

  /** A namespace of its own with a sender for NAMESPACE.example, or for another domain. */
  async function place(namespace: string, domain?: string): Promise<Admin> {
    await installed();
    const admin = createAdmin(cluster(), namespace);
    await admin.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await admin.apply(senderOf(namespace, domain));
    return admin;
  }

  const senderOf = (namespace: string, domain = `${namespace}.example`) => ({
    apiVersion: API_VERSION,
    kind: 'VerifiedSender',
    metadata: { name: 'domain', namespace },
    spec: { domain },
  });

  const touch = (admin: Admin, namespace: string): Promise<void> =>
    admin.patch('VerifiedSender', `${namespace}/domain`, {
      metadata: { annotations: { 'smtpplus.io/check-now': String(performance.now()) } },
    });

  async function recordOf(admin: Admin, namespace: string): Promise<string> {
    const challenge = await eventually(async () => {
      const sender = await admin.get('VerifiedSender', `${namespace}/domain`);
      const found = sender?.status?.['challenge'] as { recordName: string; recordValue: string } | undefined;
      assert.ok(found !== undefined);
      return found;
    });
    return `${challenge.recordName}. IN TXT "${challenge.recordValue}"`;
  }

  async function nsd(t: TestContext): Promise<DnsServer | undefined> {
    return needsCommand(t, 'nsd') ? startNsd(t) : undefined;
  }

  test('a proof survives the operator, a status that somebody forges does not', async (t) => {
    const dns = await nsd(t);
    if (dns === undefined) return;
    const admin = await place('proof');
    const operator = await start([dns.address]);
    await admin.waitFor('VerifiedSender', 'proof/domain', 'Verified', 'False RecordNotFound');
    await dns.serve([await recordOf(admin, 'proof')]);
    await touch(admin, 'proof');
    await admin.waitFor('VerifiedSender', 'proof/domain', 'Verified', 'True DnsProof');
    await operator.close();

    const liar = await place('liar');
    const condition = { type: 'Verified', status: 'True', reason: 'DnsProof', message: 'Trust me.' };
    await liar.patch(
      'VerifiedSender',
      'liar/domain',
      { status: { method: 'DnsProof', conditions: [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }] } },
      'status',
    );
    const blind = await start([NOWHERE]);
    t.after(blind.close);
    await touch(admin, 'proof');
    await liar.waitFor('VerifiedSender', 'liar/domain', 'Verified', 'False LookupFailed');
    await eventually(async () => {
      const sender = await admin.get('VerifiedSender', 'proof/domain');
      const [verified] = sender?.status?.conditions ?? [];
      assert.match(verified?.message ?? '', /nothing answers/);
      assert.equal(verified?.status, 'True');
    });
  });

  test('what is kept of a sender is as good as lost where its Secret is damaged, and is looked up again', async (t) => {
    const dns = await nsd(t);
    if (dns === undefined) return;
    const admin = await place('damaged');
    const operator = await start([dns.address]);
    await dns.serve([await recordOf(admin, 'damaged')]);
    await touch(admin, 'damaged');
    await admin.waitFor('VerifiedSender', 'damaged/domain', 'Verified', 'True DnsProof');
    await operator.close();
    for (const name of await secretsWithEvidence(admin)) {
      await admin.patch('Secret', `${OPERATOR_NAMESPACE}/${name}`, { data: { 'evidence.json.gz': 'bm8gZ3ppcA==' } });
    }

    const next = await start([dns.address]);
    t.after(next.close);
    assert.match(next.troubles.join('\n'), /Secret smtp-plus\/smtp-plus-evidence-[0-9]+ is damaged/);
    await admin.waitFor('VerifiedSender', 'damaged/domain', 'Verified', 'True DnsProof');
    await next.idle();
    assert.ok(
      next.troubles.every((line) => line.includes('is damaged')),
      next.troubles.join('\n'),
    );
  });

  test('a Secret with evidence that somebody deletes or changes while we run is written anew', async (t) => {
    const dns = await nsd(t);
    if (dns === undefined) return;
    const admin = await place('meddled');
    const operator = await start([dns.address]);
    t.after(operator.close);
    await admin.waitFor('VerifiedSender', 'meddled/domain', 'Verified', 'False RecordNotFound');
    await operator.idle();
    for (const name of await secretsWithEvidence(admin)) await admin.remove('Secret', `${OPERATOR_NAMESPACE}/${name}`);
    await dns.serve([await recordOf(admin, 'meddled')]);
    await touch(admin, 'meddled');
    await admin.waitFor('VerifiedSender', 'meddled/domain', 'Verified', 'True DnsProof');
    await operator.close();

    const blind = await start([NOWHERE]);
    t.after(blind.close);
    await admin.waitFor('VerifiedSender', 'meddled/domain', 'Verified', 'True DnsProof');
  });

  test('what an earlier version has kept in another Secret is taken up, and moves to where it belongs', async (t) => {
    const dns = await nsd(t);
    if (dns === undefined) return;
    const admin = await place('astray');
    const operator = await start([dns.address]);
    await dns.serve([await recordOf(admin, 'astray')]);
    await touch(admin, 'astray');
    await admin.waitFor('VerifiedSender', 'astray/domain', 'Verified', 'True DnsProof');
    await operator.idle();
    await operator.close();
    const { placeOf } = await readInstallation(admin.client, OPERATOR_NAMESPACE, []);
    const home = placeOf('astray/domain', SENDER_EVIDENCE.shards);
    const nameOf = (index: number): string => `${SENDER_EVIDENCE.prefix}-${String(index).padStart(2, '0')}`;
    const atHome = (await admin.get('Secret', `${OPERATOR_NAMESPACE}/${nameOf(home)}`)) ?? assert.fail();
    const elsewhere = nameOf((home + 1) % SENDER_EVIDENCE.shards);
    await removeEvidence(admin, 'smtpplus.io/evidence');
    const { data = {}, metadata } = atHome;
    await admin.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: OPERATOR_NAMESPACE, name: elsewhere, labels: { ...metadata.labels } },
      data,
    });

    const blind = await start([NOWHERE]);
    await admin.waitFor('VerifiedSender', 'astray/domain', 'Verified', 'True DnsProof');
    await blind.close();
    await admin.remove('Secret', `${OPERATOR_NAMESPACE}/${elsewhere}`);
    const next = await start([NOWHERE]);
    t.after(next.close);
    await touch(admin, 'astray');
    const kept = await admin.waitFor('VerifiedSender', 'astray/domain', 'Verified', 'True DnsProof');
    assert.match(kept.message, /proves it/);
  });

  test('two namespaces prove one domain side by side, and the record of one is no proof of the other', async (t) => {
    const dns = await nsd(t);
    if (dns === undefined) return;
    const [first, second] = [await place('one', 'both.example'), await place('two', 'both.example')];
    const operator = await start([dns.address]);
    t.after(operator.close);
    const [ofFirst, ofSecond] = [await recordOf(first, 'one'), await recordOf(second, 'two')];
    assert.notEqual(ofFirst, ofSecond);
    await dns.serve([ofFirst]);
    await Promise.all([touch(first, 'one'), touch(second, 'two')]);
    await first.waitFor('VerifiedSender', 'one/domain', 'Verified', 'True DnsProof');
    await second.waitFor('VerifiedSender', 'two/domain', 'Verified', 'False RecordMismatch');
    await dns.serve([ofFirst, ofSecond]);
    await touch(second, 'two');
    await second.waitFor('VerifiedSender', 'two/domain', 'Verified', 'True DnsProof');
  });

  test('a sender whose domain is changed by deleting and making it anew inherits no proof', async (t) => {
    const dns = await nsd(t);
    if (dns === undefined) return;
    const admin = await place('swap');
    const operator = await start([dns.address]);
    t.after(operator.close);
    await dns.serve([await recordOf(admin, 'swap')]);
    await touch(admin, 'swap');
    await admin.waitFor('VerifiedSender', 'swap/domain', 'Verified', 'True DnsProof');
    await admin.remove('VerifiedSender', 'swap/domain');
    await admin.apply(senderOf('swap', 'victim.example'));
    await admin.waitFor('VerifiedSender', 'swap/domain', 'Verified', 'False RecordNotFound');
  });

  test('SPF and DMARC are looked up once a domain is verified, and a rest takes no write', async (t) => {
    const dns = await nsd(t);
    if (dns === undefined) return;
    const admin = await place('receivers');
    const spfInclude = '_spf.upstream.example';
    const operator = await start([dns.address], { spfInclude });
    t.after(operator.close);
    const upstream = `${spfInclude}. IN TXT "v=spf1 ip4:198.51.100.0/24 -all"`;
    const spf = (value: string) => `receivers.example. IN TXT "${value}"`;
    const proof = await recordOf(admin, 'receivers');
    await dns.serve([upstream, proof, spf('v=spf1 -all')]);
    await touch(admin, 'receivers');
    await admin.waitFor('VerifiedSender', 'receivers/domain', 'Aligned', 'False NotAligned');
    const dmarc = '_dmarc.receivers.example. IN TXT "v=DMARC1; p=reject"';
    await dns.serve([upstream, proof, spf(`v=spf1 include:${spfInclude} -all`), dmarc]);
    await touch(admin, 'receivers');
    await admin.waitFor('VerifiedSender', 'receivers/domain', 'Aligned', 'True Aligned');
    await eventually(async () => assert.deepEqual(await statesOf(admin, 'receivers'), ['Found', 'Found', 'Found']));
    await operator.idle();
    const before = operator.writes();
    await operator.idle();
    assert.equal(operator.writes(), before);
    await operator.close();

    const blind = await start([NOWHERE], { spfInclude });
    t.after(blind.close);
    await touch(admin, 'receivers');
    await eventually(async () =>
      assert.deepEqual(await statesOf(admin, 'receivers'), ['Unknown', 'Unknown', 'Unknown']),
    );
    await admin.waitFor('VerifiedSender', 'receivers/domain', 'Aligned', 'True Aligned');
  });
});

async function secretsWithEvidence(admin: Admin): Promise<readonly string[]> {
  const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/secrets?labelSelector=smtpplus.io/evidence`;
  const answer = await admin.client.request<{ readonly items: readonly { metadata: { name: string } }[] }>({
    method: 'GET',
    path,
  });
  assert.ok(answer.ok);
  return answer.body.items.map(({ metadata }) => metadata.name);
}

async function statesOf(admin: Admin, namespace: string): Promise<readonly unknown[]> {
  const sender = await admin.get('VerifiedSender', `${namespace}/domain`);
  return ((sender?.status?.['dnsRecords'] ?? []) as { readonly state: string }[]).map(({ state }) => state);
}
