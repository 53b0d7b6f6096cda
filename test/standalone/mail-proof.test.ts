/** A new address from pending to its first mail, in one process: a real client, a real browser, and nothing else set up. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { readChallenge } from '../support/challenge-mail.ts';
import { openTab } from '../support/chromium.ts';
import { needsCommand } from '../support/commands.ts';
import { until } from '../support/eventually.ts';
import { folderOf, writeFiles } from '../support/folder.ts';
import { outbox } from '../support/outbox.ts';
import { replyTo } from '../support/send.ts';
import { startStandalone, statusOf, type Standalone } from '../support/standalone.ts';

const SETTINGS = `
verification: {from: verification@platform.example, dns: Disabled}
classes: {default: {existingSenders: [{platform: platform.example}]}}
`;

const sender = ({ code, resend }: { code?: string; resend?: string } = {}): string => `apiVersion: smtpplus.io/v1alpha1
kind: VerifiedSender
metadata: {name: news, namespace: shop${resend === undefined ? '' : `, annotations: {smtpplus.io/resend: "${resend}"}`}}
spec: {address: news@shop.example${code === undefined ? '' : `, email: {code: ${code}}`}}
`;
const USER = `apiVersion: smtpplus.io/v1alpha1
kind: SmtpPlusUser
metadata: {name: news, namespace: shop}
spec: {active: true}
`;

interface Place {
  readonly folder: string;
  readonly state: string;
  readonly settings: string;
}

async function place(t: TestContext): Promise<Place> {
  const [folder, state] = [await folderOf(t, { 'sender.yaml': sender(), 'user.yaml': USER }), await folderOf(t)];
  const settings = join(await folderOf(t, { 'settings.yaml': SETTINGS }), 'settings.yaml');
  return { folder, state, settings };
}

async function reasonOf({ state }: Pick<Place, 'state'>, kind = 'VerifiedSender', type = 'Verified'): Promise<string> {
  const status = await statusOf(state, kind, 'shop', 'news').catch(() => undefined);
  return status?.condition(type)?.reason ?? '';
}

const isVerified = async (where: Pick<Place, 'state'>): Promise<boolean> => (await reasonOf(where)) === 'EmailProof';

async function challenges({ state }: Pick<Place, 'state'>, count: number) {
  const mails = await until(async () => {
    const all = (await outbox(state)).filter(({ envelope }) => envelope.from === 'verification@platform.example');
    return all.length >= count ? all : undefined;
  });
  return mails.map(({ content }) => readChallenge(content));
}

/** The reply to a mail from the address. */
function send(process: Standalone): Promise<string> {
  return replyTo(process, 'news-smtp', { from: 'news@shop.example', to: 'jane@customer.example', text: 'Hello.' });
}

describe('an address that proves itself by mail', () => {
  test('is pending, its link is opened and confirmed, its user becomes active, and mail goes out', async (t) => {
    const where = await place(t);
    const process = await startStandalone(t, where);
    const [{ link = '' } = assert.fail()] = await challenges(where, 1);
    await until(async () => (await reasonOf(where)) === 'Pending');
    assert.match(await send(process), /550 5\.7\.1 .* has no verified sender/);

    const page = await fetch(link);
    assert.match(await page.text(), /news@shop\.example/);
    // a scanner opens it, and nothing happens
    assert.equal((await fetch(link, { method: 'HEAD' })).status, 200);
    assert.equal(await reasonOf(where), 'Pending');
    const done = await fetch(link, { method: 'POST' });
    assert.match(await done.text(), /The address is confirmed/);
    await until(() => isVerified(where));
    await until(async () => (await reasonOf(where, 'SmtpPlusUser', 'Ready')) === 'Ready');
    assert.match(await send(process), /^250 /);
    await until(async () => (await outbox(where.state)).some(({ envelope }) => envelope.from === 'news@shop.example'));
    assert.equal((await fetch(link)).status, 404);
    await process.stop();

    const again = await startStandalone(t, where);
    assert.match(await send(again), /^250 /);
    assert.equal((await challenges(where, 1)).length, 1, 'no further mail');
  });

  test('is confirmed in a browser without scripts, on a phone, in the dark, with the keyboard alone', async (t) => {
    if (!needsCommand(t, 'chromium')) return;
    const where = await place(t);
    await startStandalone(t, where);
    const [{ link = '' } = assert.fail()] = await challenges(where, 1);
    const tab = await openTab(t);
    await tab.command('Emulation.setScriptExecutionDisabled', { value: true });
    await tab.command('Emulation.setDeviceMetricsOverride', {
      width: 320,
      height: 640,
      deviceScaleFactor: 2,
      mobile: true,
    });
    await tab.command('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: 'dark' }] });
    await tab.open(link);
    assert.match(await tab.text(), /Somebody who works in namespace shop wants to send mail as this address/);
    assert.equal(await tab.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, 'it scrolls sideways');
    assert.equal(
      await tab.evaluate('getComputedStyle(document.querySelector("button")).backgroundColor'),
      'rgb(168, 199, 250)',
    );
    assert.deepEqual(tab.complaints, []);
    assert.equal(await reasonOf(where), 'Pending');
    await tab.press('Tab');
    assert.equal(await tab.evaluate('document.activeElement.textContent'), 'Confirm');
    await tab.loading(() => tab.press('Enter'));
    assert.match(await tab.text(), /The address is confirmed/);
    assert.deepEqual(tab.complaints, []);
    await until(() => isVerified(where));
  });

  test('is asked for by a mail without a word that a tenant could choose', async (t) => {
    const where = await place(t);
    const named = sender().replace('name: news,', 'name: login.evil.example,');
    await writeFiles(where.folder, { 'sender.yaml': named });
    await startStandalone(t, where);
    await challenges(where, 1);
    const [mail = assert.fail()] = await outbox(where.state);
    // as it is read, by eyes and by programs that make links
    assert.doesNotMatch(String(mail.content).replaceAll('=\r\n', ''), /evil/);
  });

  test('takes the code in the object, and no other one', async (t) => {
    const where = await place(t);
    await startStandalone(t, where);
    const [first = assert.fail()] = await challenges(where, 1);
    await writeFiles(where.folder, { 'sender.yaml': sender({ code: 'WRONG-WRONG' }) });
    await until(async () => (await reasonOf(where)) === 'WrongCode');
    await writeFiles(where.folder, { 'sender.yaml': sender({ code: first.code }) });
    await until(() => isVerified(where));
  });

  test('is to be proven again where what is known of it is lost or damaged: a status proves nothing, but makes its mail wait', async (t) => {
    const where = await place(t);
    const process = await startStandalone(t, where);
    const [{ link = '' } = assert.fail()] = await challenges(where, 1);
    await fetch(link, { method: 'POST' });
    await until(() => isVerified(where));
    await process.stop();
    const kept = join(where.state, 'mail-proofs');
    for (const name of await readdir(kept))
      await writeFile(join(kept, name), '{"shop/news@shop.example": {"proof": true}}');
    const next = await startStandalone(t, where);
    await until(async () => (await reasonOf(where)) === 'Pending');
    assert.match(await send(next), /451 4\.7\.1 VerifiedSender shop\/news is being checked/);
    const [, { link: another = '' } = assert.fail()] = await challenges(where, 2);
    await fetch(another, { method: 'POST' });
    await until(() => isVerified(where));
    await until(async () => (await send(next)).startsWith('250 '));
  });

  test('leaves neither link nor code nor password in the state folder, the mail itself aside, or in what is printed', async (t) => {
    const where = await place(t);
    const process = await startStandalone(t, where);
    const [{ link = '', code } = assert.fail()] = await challenges(where, 1);
    await until(async () => (await reasonOf(where)) === 'Pending');
    const token = link.slice(link.lastIndexOf('/') + 1);
    const files = (await readdir(where.state, { recursive: true, withFileTypes: true })).filter(
      (entry) => entry.isFile() && !entry.parentPath.endsWith('outbox') && !entry.parentPath.includes('spool'),
    );
    for (const entry of files) {
      // one that was being written is there under its own name
      const text = await readFile(join(entry.parentPath, entry.name), 'latin1').catch(() => '');
      for (const secret of [token, code]) assert.ok(!text.includes(secret), `${entry.name} holds it`);
    }
    for (const line of process.lines) for (const secret of [token, code]) assert.ok(!line.includes(secret), line);
  });
});
