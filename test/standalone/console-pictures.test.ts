/** Pictures of the console for the documentation, of what `npm start` shows after some mail. */
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openTab } from '../support/chromium.ts';
import { needsCommand } from '../support/commands.ts';
import { folderOf } from '../support/folder.ts';
import { delivered } from '../support/outbox.ts';
import { PHONE, takePicture } from '../support/pictures.ts';
import { replyTo } from '../support/send.ts';
import { startStandalone } from '../support/standalone.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));

const HTML = `<div style="font: 16px/1.5 system-ui, sans-serif; padding: 24px; max-width: 560px">
<h1 style="font-size: 22px; margin: 0 0 12px">Your order is on its way</h1>
<p>Hello Jane,</p>
<p>we have handed your parcel to the carrier. It should be with you on Friday.</p>
<p><a href="https://shop.example/track/4711" style="display: inline-block; padding: 10px 18px; background: #0842a0; color: #fff; border-radius: 6px; text-decoration: none">Track the parcel</a></p>
<img src="https://tracker.example/pixel.gif" width="1" height="1" alt="">
</div>`;

const WIDE = { width: 1280, mobile: false };

test('the console of the examples is as the pictures in the documentation show it', async (t) => {
  if (!needsCommand(t, 'chromium')) return;
  const folder = await folderOf(t);
  await cp(EXAMPLES, folder, { recursive: true });
  const settings = join(folder, 'settings.yaml');
  const process = await startStandalone(t, { folder, settings });
  const mail = { from: 'Orders <orders@shop.example>', to: 'Jane <jane@elsewhere.example>' };
  for (const subject of ['Welcome to the shop', 'We have your order 4711', 'Your order 4711 is on its way']) {
    const answer = await replyTo(process, 'orders-smtp', { ...mail, subject, text: 'It is on its way.', html: HTML });
    assert.match(answer, /^250 /);
  }
  assert.match(await replyTo(process, 'orders-smtp', { ...mail, from: 'ceo@elsewhere.example', text: 'Pay.' }), /550/);
  await delivered(process.state, 3);
  const tab = await openTab(t);
  const take = (name: string, path: string, screen = WIDE) =>
    takePicture(tab, name, { url: `http://127.0.0.1:${process.ready.http}/console${path}`, screen });
  await take('console-users', '/users');
  await take('console-mail', '/mail');
  const newest = await tab.evaluate('document.querySelector("tbody a").getAttribute("href").slice("/console".length)');
  await take('console-message', String(newest));
  await take('console-phone', '/users/shop/orders', PHONE);
  await tab.command('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: 'dark' }] });
  await take('console-refusals', '/refusals');
});
