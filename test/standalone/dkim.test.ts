/** Mail of a domain on its way to being signed, in one process, with a real name server and a real SMTP client. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { needsCommand } from '../support/commands.ts';
import { verifiedByMailauth, zoneLine } from '../support/dkim.ts';
import { startNsd } from '../support/dns-server.ts';
import { until } from '../support/eventually.ts';
import { folderOf, writeFiles } from '../support/folder.ts';
import { replyTo } from '../support/send.ts';
import { startStandalone, statusOf, type Standalone } from '../support/standalone.ts';
import { delivered, outbox } from '../support/outbox.ts';

const LOOK_MS = 60_000;
const PASS = ['rsa-sha256 shop.example pass', 'ed25519-sha256 shop.example pass'];

const sender = (touched: string, signing = 'Enabled'): string => `apiVersion: smtpplus.io/v1alpha1
kind: VerifiedSender
metadata: {name: shop, namespace: shop, annotations: {smtpplus.io/check-now: "${touched}"}}
spec: {domain: shop.example, dkim: {signing: ${signing}}}
`;
const USER = `apiVersion: smtpplus.io/v1alpha1
kind: SmtpPlusUser
metadata: {name: orders, namespace: shop}
spec: {active: true}
`;

interface DnsRecord {
  readonly purpose: string;
  readonly name: string;
  readonly value: string;
  readonly state: string;
}

async function keyRecords(state: string): Promise<readonly DnsRecord[]> {
  const status = await statusOf(state, 'VerifiedSender', 'shop', 'shop');
  const { dnsRecords = [] } = status as unknown as { dnsRecords?: readonly DnsRecord[] };
  return dnsRecords.filter(({ purpose }) => purpose === 'DKIM');
}

async function signingReason(state: string): Promise<string> {
  return (await statusOf(state, 'VerifiedSender', 'shop', 'shop')).condition('Signing')?.reason ?? '';
}

/** Sends a mail as orders@shop.example, and resolves with what an upstream would have got. */
async function mailOf(process: Standalone): Promise<Buffer> {
  const { state } = process;
  const before = new Set((await outbox(state)).map(({ id }) => id));
  const mail = { from: 'orders@shop.example', to: 'jane@customer.example', subject: 'Hello', text: 'Hello.\n\n' };
  assert.match(await replyTo(process, 'orders-smtp', mail), /^250 /);
  const messages = await delivered(state, before.size + 1);
  const sent = messages.find(({ id }) => !before.has(id));
  assert.ok(sent !== undefined);
  return sent.content;
}

async function start(t: TestContext, folder: string, state: string, server: string) {
  const settings = await folderOf(t, { 'settings.yaml': `verification: {dnsServers: ["${server}"]}\n` });
  return startStandalone(t, { folder, state, settings: join(settings, 'settings.yaml') });
}

describe('mail of a verified domain', () => {
  test('is signed once the records are seen in the DNS, after a restart too, and not any more once its keys are lost', async (t) => {
    if (!needsCommand(t, 'nsd')) return;
    const [folder, state] = [await folderOf(t, { 'sender.yaml': sender('0'), 'user.yaml': USER }), await folderOf(t)];
    const dns = await startNsd(t);
    const first = await start(t, folder, state, dns.address);
    await until(async () => (await signingReason(state)) === 'NotSigned', { ms: LOOK_MS });
    const { challenge } = await statusOf(state, 'VerifiedSender', 'shop', 'shop');
    const proof = `${challenge.recordName}. IN TXT "${challenge.recordValue}"`;
    await dns.serve([proof]);
    await writeFiles(folder, { 'sender.yaml': sender('1') });
    await until(async () => (await keyRecords(state)).length === 2, { ms: LOOK_MS });
    assert.doesNotMatch((await mailOf(first)).toString(), /DKIM-Signature/);

    const records = await keyRecords(state);
    await dns.serve([proof, ...records.map(({ name, value }) => zoneLine(name, value))]);
    await writeFiles(folder, { 'sender.yaml': sender('2') });
    await until(async () => (await keyRecords(state)).every((one) => one.state === 'Found'), { ms: LOOK_MS });
    assert.equal(await signingReason(state), 'Signed');
    const inDns = new Map(records.map(({ name, value }) => [name, value]));
    await until(async () => (await mailOf(first)).includes('ed25519-sha256'), { ms: LOOK_MS });
    assert.deepEqual(await verifiedByMailauth(await mailOf(first), inDns), PASS);
    await first.stop();
    assert.doesNotMatch(first.lines.join('\n'), /MII[A-Za-z0-9+/]{40}/, 'a key is in the log');

    const second = await start(t, folder, state, '127.0.0.1:9');
    assert.deepEqual(await verifiedByMailauth(await mailOf(second), inDns), PASS);
    await second.stop();

    await rm(join(state, 'dkim'), { recursive: true });
    const third = await start(t, folder, state, dns.address);
    await until(
      async () => {
        const now = await keyRecords(state);
        return now.length === 2 && now.every(({ name }) => !inDns.has(name));
      },
      { ms: LOOK_MS },
    );
    assert.equal(await signingReason(state), 'KeyRecordsNotFound');
    assert.doesNotMatch((await mailOf(third)).toString(), /DKIM-Signature/);
  });
});
