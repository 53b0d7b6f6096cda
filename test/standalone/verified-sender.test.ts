/** A domain on its way to being verified by DNS, in one process, with a real name server and a real SMTP client. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { needsCommand } from '../support/commands.ts';
import { startNsd } from '../support/dns-server.ts';
import { until } from '../support/eventually.ts';
import { folderOf, writeFiles } from '../support/folder.ts';
import { replyTo } from '../support/send.ts';
import { startStandalone, statusOf, type Standalone } from '../support/standalone.ts';

const LOOK_MS = 60_000;

const sender = (touched: string): string => `apiVersion: smtpplus.io/v1alpha1
kind: VerifiedSender
metadata: {name: shop, namespace: shop, annotations: {smtpplus.io/check-now: "${touched}"}}
spec: {domain: shop.example}
`;
const USER = `apiVersion: smtpplus.io/v1alpha1
kind: SmtpPlusUser
metadata: {name: orders, namespace: shop}
spec: {active: true}
`;

interface Place {
  readonly folder: string;
  readonly state: string;
  readonly servers: readonly string[];
  readonly grace?: string;
  /** That the settings vouch for. */
  readonly existing?: readonly string[];
}

async function startIn(
  t: TestContext,
  { folder, state, servers, grace = '72h', existing = [] }: Place,
): Promise<Standalone> {
  const settings = await folderOf(t, {
    'settings.yaml': [
      `verification: {dnsServers: ${JSON.stringify(servers)}, grace: ${grace}}`,
      `classes: {default: {existingSenders: [${existing.map((one) => `{shop: ${one}}`).join(', ')}]}}`,
    ].join('\n'),
  });
  return startStandalone(t, { folder, state, settings: join(settings, 'settings.yaml') });
}

function reasonOf({ state }: { readonly state: string }, kind = 'VerifiedSender', name = 'shop', type = 'Verified') {
  return async (): Promise<string> => (await statusOf(state, kind, 'shop', name)).condition(type)?.reason ?? '';
}

/** The reply to a mail from orders@shop.example. */
function send(process: Standalone): Promise<string> {
  const mail = { from: 'orders@shop.example', to: 'jane@customer.example', subject: 'Hello', text: 'Hello.' };
  return replyTo(process, 'orders-smtp', mail);
}

describe('a domain that proves itself by DNS', () => {
  test('is pending, then verified, stays so without DNS and after a restart, and is revoked at the end', async (t) => {
    if (!needsCommand(t, 'nsd')) return;
    const [folder, state] = [await folderOf(t, { 'sender.yaml': sender('0'), 'user.yaml': USER }), await folderOf(t)];
    const dns = await startNsd(t);
    const place = { folder, state, servers: [dns.address] };
    const first = await startIn(t, place);
    await until(async () => (await reasonOf(first)()) === 'RecordNotFound', { ms: LOOK_MS });
    // statuses and what the relay runs are written one after the other
    await until(async () => /550 5\.7\.1 .* has no verified sender/.test(await send(first)), { ms: LOOK_MS });

    const { challenge } = await statusOf(state, 'VerifiedSender', 'shop', 'shop');
    const record = `${challenge.recordName}. IN TXT "${challenge.recordValue}"`;
    await dns.serve([record]);
    await writeFiles(folder, { 'sender.yaml': sender('1') });
    await until(async () => (await reasonOf(first)()) === 'DnsProof', { ms: LOOK_MS });
    await until(async () => (await send(first)).startsWith('250 '), { ms: LOOK_MS });
    await first.stop();

    // nothing listens there
    const second = await startIn(t, { ...place, servers: ['127.0.0.1:9'] });
    assert.equal(await reasonOf(second)(), 'DnsProof');
    assert.match(await send(second), /^250 /);
    await writeFiles(folder, { 'sender.yaml': sender('2') });
    await until(
      async () => {
        const status = await statusOf(state, 'VerifiedSender', 'shop', 'shop');
        return /nothing answers at the address/.test(status.condition('Verified')?.message ?? '');
      },
      { ms: LOOK_MS },
    );
    assert.match(await send(second), /^250 /);
    await second.stop();

    await dns.serve([]);
    await writeFiles(folder, { 'sender.yaml': sender('3') });
    const third = await startIn(t, place);
    await until(async () => (await reasonOf(third)()) === 'RecordNotFound', { ms: LOOK_MS });
    assert.match(await send(third), /^250 /);
    await third.stop();

    const fourth = await startIn(t, { ...place, grace: '1s' });
    await until(async () => (await reasonOf(fourth)()) === 'Revoked', { ms: LOOK_MS });
    await until(async () => (await reasonOf(fourth, 'SmtpPlusUser', 'orders', 'Ready')()) === 'NoVerifiedSender', {
      ms: LOOK_MS,
    });
    await until(async () => /550 5\.7\.1 .* has no verified sender/.test(await send(fourth)), { ms: LOOK_MS });

    await dns.serve([record]);
    await writeFiles(folder, { 'sender.yaml': sender('4') });
    await until(async () => (await reasonOf(fourth)()) === 'DnsProof', { ms: LOOK_MS });
    await until(async () => (await send(fourth)).startsWith('250 '), { ms: LOOK_MS });
  });

  test('is what is asked again where nobody knows any more, while its mail is to wait', async (t) => {
    if (!needsCommand(t, 'nsd')) return;
    const [folder, state] = [await folderOf(t, { 'sender.yaml': sender('0'), 'user.yaml': USER }), await folderOf(t)];
    const dns = await startNsd(t);
    const place = { folder, state, servers: [dns.address] };
    const first = await startIn(t, place);
    await until(async () => (await reasonOf(first)()) === 'RecordNotFound', { ms: LOOK_MS });
    const { challenge } = await statusOf(state, 'VerifiedSender', 'shop', 'shop');
    await dns.serve([`${challenge.recordName}. IN TXT "${challenge.recordValue}"`]);
    await writeFiles(folder, { 'sender.yaml': sender('1') });
    await until(async () => (await reasonOf(first)()) === 'DnsProof', { ms: LOOK_MS });
    await first.stop();

    await rm(join(state, 'evidence'), { recursive: true });
    // the name servers are down, too: it is not verified, and not known to be unverified
    const second = await startIn(t, { ...place, servers: ['127.0.0.1:9'] });
    await until(async () => (await reasonOf(second)()) === 'LookupFailed', { ms: LOOK_MS });
    assert.match(await send(second), /451 4\.7\.1 .*VerifiedSender shop\/shop is being checked/);
    await second.stop();

    await writeFiles(folder, { 'sender.yaml': sender('2') });
    const third = await startIn(t, place);
    await until(async () => (await reasonOf(third)()) === 'DnsProof', { ms: LOOK_MS });
    await until(async () => (await send(third)).startsWith('250 '), { ms: LOOK_MS });
  });
});

describe('a domain that the settings vouch for', () => {
  test('becomes one that has proved itself, and then needs them no more', async (t) => {
    if (!needsCommand(t, 'nsd')) return;
    const [folder, state] = [await folderOf(t, { 'sender.yaml': sender('0'), 'user.yaml': USER }), await folderOf(t)];
    const dns = await startNsd(t);
    const place = { folder, state, servers: [dns.address], grace: '1s' };
    const first = await startIn(t, { ...place, existing: ['shop.example'] });
    await until(async () => (await reasonOf(first)()) === 'Grandfathered', { ms: LOOK_MS });
    assert.match(await send(first), /^250 /);
    const { challenge } = await statusOf(state, 'VerifiedSender', 'shop', 'shop');
    await dns.serve([`${challenge.recordName}. IN TXT "${challenge.recordValue}"`]);
    await writeFiles(folder, { 'sender.yaml': sender('1') });
    await until(async () => (await reasonOf(first)()) === 'DnsProof', { ms: LOOK_MS });
    await first.stop();

    const second = await startIn(t, place);
    assert.equal(await reasonOf(second)(), 'DnsProof');
    assert.match(await send(second), /^250 /);
  });

  test('has the grace of a lost record when it is taken out, however often the process starts', async (t) => {
    const [folder, state] = [await folderOf(t, { 'sender.yaml': sender('0'), 'user.yaml': USER }), await folderOf(t)];
    const place = { folder, state, servers: ['127.0.0.1:9'] };
    const first = await startIn(t, { ...place, existing: ['shop.example'] });
    await until(async () => (await reasonOf(first)()) === 'Grandfathered', { ms: LOOK_MS });
    await first.stop();

    const second = await startIn(t, place);
    await until(async () => (await reasonOf(second)()) === 'VouchingWithdrawn', { ms: LOOK_MS });
    assert.match(await send(second), /^250 /);
    const said = (await statusOf(state, 'VerifiedSender', 'shop', 'shop')).condition('Verified')?.message ?? '';
    const [since] = /since [^;]+;/.exec(said) ?? [];
    assert.ok(since !== undefined, said);
    const metrics = await (await fetch(`http://127.0.0.1:${second.ready.http}/metrics`)).text();
    assert.match(metrics, /events_total\{kind="VerifiedSender",type="Warning",reason="VouchingWithdrawn"\} 1/);
    assert.match(metrics, /smtpplus_/);
    await second.stop();

    const third = await startIn(t, place);
    await until(async () => (await reasonOf(third)()) === 'VouchingWithdrawn', { ms: LOOK_MS });
    const again = (await statusOf(state, 'VerifiedSender', 'shop', 'shop')).condition('Verified')?.message ?? '';
    assert.ok(again.includes(since), again);
    await third.stop();

    const fourth = await startIn(t, { ...place, grace: '0s' });
    await until(async () => (await reasonOf(fourth)()) === 'Revoked', { ms: LOOK_MS });
    await fourth.stop();

    const fifth = await startIn(t, { ...place, existing: ['shop.example'] });
    await until(async () => (await reasonOf(fifth)()) === 'Grandfathered', { ms: LOOK_MS });
    assert.match(await send(fifth), /^250 /);
  });
});
