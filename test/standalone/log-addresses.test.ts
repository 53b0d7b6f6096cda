/** `classes.NAME.log.addresses`, from the settings file to the lines of a process. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { passwordIn, sender, user } from '../support/directory.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { openSecureClient, plain } from '../support/smtp-client.ts';
import { startStandalone } from '../support/standalone.ts';

const PENDING = `apiVersion: smtpplus.io/v1alpha1
kind: VerifiedSender
metadata: {name: pending, namespace: shop}
spec: {address: ann.lee@pending.example}
`;

const settings = (addresses: string): string =>
  `classes: {default: {existingSenders: [{shop: shop.example}], log: {addresses: ${addresses}}}}`;

/** Runs it through what names addresses: an object, a refused sender, a message and its delivery. */
async function linesOf(t: TestContext, addresses: string, state: string): Promise<readonly string[]> {
  const folder = await folderOf(t, {
    'settings.yaml': settings(addresses),
    'shop.yaml': `${sender}---\n${PENDING}`,
    'user.yaml': user('orders'),
  });
  const run = await startStandalone(t, { folder, state });
  const client = await openSecureClient(run.port, { ca: await readFile(join(state, 'tls/ca.crt'), 'utf8') });
  await client.ask(`AUTH PLAIN ${plain('orders.shop', await passwordIn(state, 'orders-smtp'))}`);
  await client.ask('MAIL FROM:<ann.lee@elsewhere.example>');
  await client.ask('MAIL FROM:<orders@shop.example>');
  await client.ask('RCPT TO:<permfail@elsewhere.example>');
  await client.ask('DATA');
  await client.send('From: orders@shop.example\r\n\r\n.\r\n');
  await client.reply();
  await until(() => run.lines.some((line) => line.includes('"msg":"bounced"')));
  await rm(join(folder, 'user.yaml'));
  await until(() => run.lines.some((line) => line.includes('"event":"credential"')));
  client.destroy();
  await run.stop();
  return run.lines;
}

const fieldOf = (lines: readonly string[], message: string, field: string): unknown => {
  const line = lines.find((one) => one.includes(`"msg":"${message}"`)) ?? '{}';
  return (JSON.parse(line) as Record<string, unknown>)[field];
};

test('full shows addresses, and a deleted manifest has a line when its credential dies', async (t) => {
  const lines = await linesOf(t, 'full', await folderOf(t));
  assert.equal(fieldOf(lines, 'refused', 'from'), 'ann.lee@elsewhere.example');
  assert.deepEqual(fieldOf(lines, 'bounced', 'to'), ['permfail@elsewhere.example']);
  const dead = lines.find((line) => line.includes('"event":"credential"')) ?? '';
  assert.match(dead, /"level":"warn".*"user":"orders\.shop","object":"shop\/orders".*the user is gone/);
});

test('hashed shows none, and the same hash over a restart', async (t) => {
  const state = await folderOf(t);
  const runs = [await linesOf(t, 'hashed', state), await linesOf(t, 'hashed', state)];
  for (const lines of runs) assert.doesNotMatch(lines.join('\n'), /ann\.lee|@shop|@elsewhere|permfail/);
  const [first, second] = runs.map((lines) => fieldOf(lines, 'refused', 'from'));
  assert.match(String(first), /^#[0-9a-f]{10}$/);
  assert.equal(first, second);
});

test('none shows none', async (t) => {
  const lines = await linesOf(t, 'none', await folderOf(t));
  assert.doesNotMatch(lines.join('\n'), /ann\.lee|@shop|@elsewhere|permfail|#[0-9a-f]{10}/);
  assert.equal(fieldOf(lines, 'refused', 'from'), '(hidden)');
});
