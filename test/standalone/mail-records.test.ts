/** What receivers ask of a domain, in one process, with a real name server: a status alone is enough to get it right. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { needsCommand } from '../support/commands.ts';
import { zoneLine } from '../support/dkim.ts';
import { startNsd } from '../support/dns-server.ts';
import { until } from '../support/eventually.ts';
import { folderOf, writeFiles } from '../support/folder.ts';
import { startStandalone, statusOf } from '../support/standalone.ts';

const LOOK_MS = 60_000;

const sender = (touched: string): string => `apiVersion: smtpplus.io/v1alpha1
kind: VerifiedSender
metadata: {name: shop, namespace: shop, annotations: {smtpplus.io/check-now: "${touched}"}}
spec: {domain: shop.example}
`;
const UPSTREAM = ['_spf.upstream IN TXT "v=spf1 ip4:198.51.100.0/24 -all"'];
const MX = 'shop IN TXT "v=spf1 mx -all"';

interface DnsRecord {
  readonly purpose: string;
  readonly name: string;
  readonly value?: string;
  readonly state: string;
  readonly message: string;
}

async function recordsOf(state: string): Promise<ReadonlyMap<string, DnsRecord>> {
  const status = await statusOf(state, 'VerifiedSender', 'shop', 'shop');
  const { dnsRecords = [] } = status as unknown as { dnsRecords?: readonly DnsRecord[] };
  return new Map(dnsRecords.map((record) => [record.purpose, record]));
}

async function isIn(state: string, states: Readonly<Record<string, string>>): Promise<boolean> {
  const records = await recordsOf(state);
  return Object.entries(states).every(([purpose, wanted]) => records.get(purpose)?.state === wanted);
}

async function aligned(state: string) {
  return (await statusOf(state, 'VerifiedSender', 'shop', 'shop')).condition('Aligned');
}

async function start(t: TestContext, folder: string, state: string, server: string) {
  const text = `verification: {dnsServers: ["${server}"], spfInclude: _spf.upstream.example}\n`;
  const settings = await folderOf(t, { 'settings.yaml': text });
  return startStandalone(t, { folder, state, settings: join(settings, 'settings.yaml') });
}

describe('the records of a verified domain', () => {
  test('come to be right by publishing what the status says, and a name server that fails takes nothing away', async (t) => {
    if (!needsCommand(t, 'nsd')) return;
    const [folder, state] = [await folderOf(t, { 'sender.yaml': sender('0') }), await folderOf(t)];
    const dns = await startNsd(t, [...UPSTREAM, MX]);
    const first = await start(t, folder, state, dns.address);
    await until(() => isIn(state, { Ownership: 'Missing' }), { ms: LOOK_MS });
    // nobody is told to change a zone that is not known to be theirs
    assert.deepEqual([...(await recordsOf(state)).keys()], ['Ownership']);
    const proof = (await recordsOf(state)).get('Ownership');
    assert.ok(proof?.value !== undefined);
    const proven = zoneLine(proof.name, proof.value);
    await dns.serve([...UPSTREAM, MX, proven]);
    await writeFiles(folder, { 'sender.yaml': sender('1') });
    await until(() => isIn(state, { Ownership: 'Found', SPF: 'Mismatch', DMARC: 'Missing' }), { ms: LOOK_MS });
    const wanted = await recordsOf(state);
    assert.equal(wanted.get('SPF')?.value, 'v=spf1 include:_spf.upstream.example mx -all');
    assert.match(wanted.get('SPF')?.message ?? '', /198\.51\.100\.0, which _spf\.upstream\.example allows/);
    assert.match(wanted.get('DMARC')?.message ?? '', /NXDOMAIN.*Next look: /);
    assert.equal((await aligned(state))?.reason, 'NotAligned');

    const published = [...wanted.values()].map(({ name, value }) => zoneLine(name, value ?? ''));
    await dns.serve([...UPSTREAM, ...published]);
    await writeFiles(folder, { 'sender.yaml': sender('2') });
    await until(() => isIn(state, { SPF: 'Found', DMARC: 'Found' }), { ms: LOOK_MS });
    assert.equal((await aligned(state))?.status, 'True');
    await first.stop();

    const blind = await start(t, folder, state, '127.0.0.1:9');
    await writeFiles(folder, { 'sender.yaml': sender('3') });
    await until(() => isIn(state, { SPF: 'Unknown', DMARC: 'Unknown' }), { ms: LOOK_MS });
    assert.equal((await aligned(state))?.status, 'True');
    await blind.stop();
  });
});
