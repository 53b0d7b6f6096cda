/** Keys for DKIM on a real API server, with a real name server: where they are kept, who comes to see them, how they turn. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { API_VERSION } from '../../operator/api/common.ts';
import type { DkimKeys } from '../../operator/core/senders/dkim-model.ts';
import { bodyOf } from '../../operator/kubernetes/client/answers.ts';
import { pathOf, SECRETS } from '../../operator/kubernetes/client/resources.ts';
import { shardDocumentSchema, type DkimSigner } from '../../relay/config/config.ts';
import { needsCommand } from '../support/commands.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { zoneLine } from '../support/dkim.ts';
import { startNsd, type DnsServer } from '../support/dns-server.ts';
import { eventually } from '../support/eventually.ts';
import { createAdmin, type Admin, type LiveObject } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';

/** No evidence. */
const NOTHING = gzipSync('{}').toString('base64');

interface DnsRecord {
  readonly name: string;
  readonly value: string;
  readonly state: string;
}

describeWithControlPlane('keys for DKIM', (cluster) => {
  let kubeconfig: Promise<string> | undefined;
  const installed = (): Promise<string> => (kubeconfig ??= install(cluster()));

  async function start(dns: DnsServer): Promise<TestOperator> {
    return startTestOperator(cluster(), await installed(), {
      settings: { verification: { dnsServers: [dns.address] } },
    });
  }

  /** A namespace with a user, and a sender for NAMESPACE.example whose mail is to be signed. */
  async function place(namespace: string): Promise<Admin> {
    await installed();
    const admin = createAdmin(cluster(), namespace);
    await admin.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await admin.apply({
      apiVersion: API_VERSION,
      kind: 'VerifiedSender',
      metadata: { name: 'domain', namespace },
      spec: { domain: `${namespace}.example`, dkim: { signing: 'Enabled', interval: '336h' } },
    });
    await admin.apply({
      apiVersion: API_VERSION,
      kind: 'SmtpPlusUser',
      metadata: { name: 'app', namespace },
      spec: { active: true },
    });
    return admin;
  }

  const touch = (admin: Admin, namespace: string): Promise<void> =>
    admin.patch('VerifiedSender', `${namespace}/domain`, {
      metadata: { annotations: { 'smtpplus.io/check-now': String(performance.now()) } },
    });

  async function recordsOf(admin: Admin, namespace: string): Promise<readonly DnsRecord[]> {
    const sender = await admin.get('VerifiedSender', `${namespace}/domain`);
    return ((sender?.status?.['dnsRecords'] ?? []) as (DnsRecord & { purpose: string })[]).filter(
      ({ purpose }) => purpose === 'DKIM',
    );
  }

  async function proofOf(admin: Admin, namespace: string): Promise<string> {
    return eventually(async () => {
      const sender = await admin.get('VerifiedSender', `${namespace}/domain`);
      const found = sender?.status?.['challenge'] as { recordName: string; recordValue: string } | undefined;
      assert.ok(found !== undefined);
      return zoneLine(found.recordName, found.recordValue);
    });
  }

  /** Publishes the proof, waits for keys, and publishes their records too. */
  async function sign(dns: DnsServer, admin: Admin, namespace: string): Promise<readonly DnsRecord[]> {
    const proof = await proofOf(admin, namespace);
    await dns.serve([proof]);
    await touch(admin, namespace);
    await admin.waitFor('VerifiedSender', `${namespace}/domain`, 'Signing', 'False KeyRecordsNotFound');
    const records = await recordsOf(admin, namespace);
    await dns.serve([proof, ...records.map(({ name, value }) => zoneLine(name, value))]);
    await touch(admin, namespace);
    await eventually(async () => {
      const states = (await recordsOf(admin, namespace)).map(({ state }) => state);
      assert.deepEqual(states, ['Found', 'Found']);
    });
    return records;
  }

  async function secretsIn(admin: Admin, namespace: string): Promise<readonly LiveObject[]> {
    const path = pathOf(SECRETS, { namespace });
    const answer = await admin.client.request<{ readonly items: readonly LiveObject[] }>({ method: 'GET', path });
    return bodyOf(answer, 'Secrets').items;
  }

  async function secretsLabelled(admin: Admin, label: string): Promise<readonly LiveObject[]> {
    const secrets = await secretsIn(admin, OPERATOR_NAMESPACE);
    return secrets.filter(({ metadata }) => metadata.labels?.[label] !== undefined);
  }

  async function keysOf(admin: Admin, sender: string): Promise<{ secret: string; keys: DkimKeys } | undefined> {
    for (const { metadata, data } of await secretsLabelled(admin, 'smtpplus.io/dkim')) {
      const packed = Buffer.from(data?.['evidence.json.gz'] ?? '', 'base64');
      const all = JSON.parse(gunzipSync(packed).toString()) as Record<string, DkimKeys>;
      const keys = all[sender];
      if (keys !== undefined) return { secret: metadata.name, keys };
    }
    return undefined;
  }

  /** What relays are given. */
  async function signerOf(admin: Admin, sender: string): Promise<DkimSigner | undefined> {
    for (const { data } of await secretsLabelled(admin, 'smtpplus.io/relay-config')) {
      for (const [file, value] of Object.entries(data ?? {})) {
        if (!file.startsWith('shard-')) continue;
        const { dkim } = shardDocumentSchema.parse(JSON.parse(Buffer.from(value, 'base64').toString()));
        if (dkim[sender] !== undefined) return dkim[sender];
      }
    }
    return undefined;
  }

  async function nsd(t: TestContext): Promise<DnsServer | undefined> {
    return needsCommand(t, 'nsd') ? startNsd(t) : undefined;
  }

  test('reach the relays once they are seen in the DNS, survive the operator, and are in no status', async (t) => {
    const dns = await nsd(t);
    if (dns === undefined) return;
    const admin = await place('signed');
    const first = await start(dns);
    const records = await sign(dns, admin, 'signed');
    await eventually(async () => assert.equal((await signerOf(admin, 'signed/domain'))?.keys.length, 2));
    const { keys } = (await keysOf(admin, 'signed/domain')) ?? {};
    const secret = keys?.generations[0]?.keys.map(({ privateKey }) => privateKey) ?? [];
    assert.equal(secret.length, 2);
    const told = JSON.stringify([await admin.get('VerifiedSender', 'signed/domain'), first.troubles]);
    for (const one of secret) assert.ok(!told.includes(one));
    const own = (await secretsIn(admin, 'signed')).map(({ metadata }) => metadata.name);
    assert.deepEqual(own, ['app-smtp']);
    await first.close();

    const second = await start(dns);
    t.after(second.close);
    await admin.waitFor('VerifiedSender', 'signed/domain', 'Signing', 'True Signed');
    await second.idle();
    const names = (await recordsOf(admin, 'signed')).map(({ name }) => name);
    assert.deepEqual(
      names,
      records.map(({ name }) => name),
    );
    assert.deepEqual(second.troubles, []);
  });

  test('that are lost with their Secret are made anew, and nothing is signed before those are seen', async (t) => {
    const dns = await nsd(t);
    if (dns === undefined) return;
    const admin = await place('lost');
    const first = await start(dns);
    const records = await sign(dns, admin, 'lost');
    await first.close();
    const { secret = '' } = (await keysOf(admin, 'lost/domain')) ?? {};
    await admin.remove('Secret', `${OPERATOR_NAMESPACE}/${secret}`);

    const second = await start(dns);
    t.after(second.close);
    await admin.waitFor('VerifiedSender', 'lost/domain', 'Signing', 'False KeyRecordsNotFound');
    const after = await recordsOf(admin, 'lost');
    assert.ok(after.every(({ name }) => !records.some((one) => one.name === name)));
    await eventually(async () => assert.equal(await signerOf(admin, 'lost/domain'), undefined));
  });

  test('are written again at once where somebody deletes or changes their Secret while an operator runs', async (t) => {
    const dns = await nsd(t);
    if (dns === undefined) return;
    const admin = await place('meddled');
    const operator = await start(dns);
    t.after(operator.close);
    await sign(dns, admin, 'meddled');
    const { secret = '', keys } = (await keysOf(admin, 'meddled/domain')) ?? {};
    await operator.idle();
    const isBack = () => eventually(async () => assert.deepEqual((await keysOf(admin, 'meddled/domain'))?.keys, keys));
    await admin.remove('Secret', `${OPERATOR_NAMESPACE}/${secret}`);
    await isBack();
    await operator.close();

    const next = await start(dns);
    t.after(next.close);
    await admin.patch('Secret', `${OPERATOR_NAMESPACE}/${secret}`, { data: { 'evidence.json.gz': NOTHING } });
    await isBack();
    const version = (await admin.get('Secret', `${OPERATOR_NAMESPACE}/${secret}`))?.metadata.resourceVersion;
    await next.idle();
    assert.equal((await admin.get('Secret', `${OPERATOR_NAMESPACE}/${secret}`))?.metadata.resourceVersion, version);
    await admin.waitFor('VerifiedSender', 'meddled/domain', 'Signing', 'True Signed');
    assert.deepEqual([...operator.troubles, ...next.troubles], []);
  });

  test('are taken from the relays at once when their sender is deleted, or its users are', async (t) => {
    const dns = await nsd(t);
    if (dns === undefined) return;
    const admin = await place('gone');
    const operator = await start(dns);
    t.after(operator.close);
    await sign(dns, admin, 'gone');
    await eventually(async () => assert.ok((await signerOf(admin, 'gone/domain')) !== undefined));
    await admin.remove('SmtpPlusUser', 'gone/app');
    await eventually(async () => assert.equal(await signerOf(admin, 'gone/domain'), undefined));
    await admin.apply({
      apiVersion: API_VERSION,
      kind: 'SmtpPlusUser',
      metadata: { name: 'app', namespace: 'gone' },
      spec: { active: true },
    });
    await eventually(async () => assert.ok((await signerOf(admin, 'gone/domain')) !== undefined));
    await admin.remove('VerifiedSender', 'gone/domain');
    await eventually(async () => assert.equal(await signerOf(admin, 'gone/domain'), undefined));
  });

  test('are not for an address, and their interval has bounds', async () => {
    const admin = await place('rules');
    const sender = (spec: object) => ({
      apiVersion: API_VERSION,
      kind: 'VerifiedSender',
      metadata: { name: 'other', namespace: 'rules' },
      spec,
    });
    const address = { address: 'a@rules.example', dkim: { signing: 'Enabled' } };
    await assert.rejects(admin.apply(sender(address)), /spec\.dkim is only for spec\.domain/);
    const short = { domain: 'x.rules.example', dkim: { signing: 'Enabled', interval: '24h' } };
    await assert.rejects(admin.apply(sender(short)), /between 336h/);
  });
});
