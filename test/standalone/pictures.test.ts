/** What somebody sees who is asked for a proof by mail, as the guide shows it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { htmlPart, readChallenge } from '../support/challenge-mail.ts';
import { openTab } from '../support/chromium.ts';
import { needsCommand } from '../support/commands.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { outbox } from '../support/outbox.ts';
import { DESKTOP, PHONE, takePicture } from '../support/pictures.ts';
import { startStandalone } from '../support/standalone.ts';

const SETTINGS = `
verification:
  from: verification@platform.example
  pageURL: https://smtp-plus.platform.example/verify
  dns: Disabled
classes:
  default:
    hostname: smtp.platform.example
    existingSenders: [{platform: platform.example}]
`;
const SENDER = `apiVersion: smtpplus.io/v1alpha1
kind: VerifiedSender
metadata: {name: newsletter, namespace: shop}
spec: {address: news@newsletter.example}
`;

describe('a proof by mail', () => {
  test('is asked for by a mail and a page that fit a phone and a desktop', async (t) => {
    if (!needsCommand(t, 'chromium')) return;
    const folder = await folderOf(t, { 'sender.yaml': SENDER });
    const settings = join(await folderOf(t, { 'settings.yaml': SETTINGS }), 'settings.yaml');
    const { state, ready } = await startStandalone(t, { folder, settings });
    const [mail = assert.fail()] = await until(async () => {
      const mails = await outbox(state);
      return mails.length > 0 ? mails : undefined;
    });
    const { link = '' } = readChallenge(mail.content);
    const page = `http://127.0.0.1:${ready.http}/verify/${link.slice(link.lastIndexOf('/') + 1)}`;
    const html = join(await folderOf(t, { 'mail.html': htmlPart(mail.content) }), 'mail.html');

    const tab = await openTab(t);
    await takePicture(tab, 'proof-page-phone', { url: page, screen: PHONE });
    assert.match(await tab.text(), /Confirm this address\?/);
    await takePicture(tab, 'proof-page-desktop', { url: page, screen: DESKTOP });
    await takePicture(tab, 'proof-mail-phone', { url: pathToFileURL(html).href, screen: PHONE });
    assert.match(await tab.text(), /Look at it and confirm/);
    await takePicture(tab, 'proof-mail-desktop', { url: pathToFileURL(html).href, screen: DESKTOP });
    assert.deepEqual(tab.complaints, []);
  });
});
