/** The example of docs/staging.md for a staging system, from the manifest to what its tester gets. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { sender } from '../support/directory.ts';
import { until } from '../support/eventually.ts';
import { folderOf, writeFiles } from '../support/folder.ts';
import { delivered, outbox } from '../support/outbox.ts';
import { transportOf } from '../support/send.ts';
import { startStandalone, statusOf } from '../support/standalone.ts';

async function exampleOfTheGuide(): Promise<string> {
  const page = await readFile('docs/staging.md', 'utf8');
  const example = /```yaml\n(.*?)```/s.exec(page)?.[1];
  assert.ok(example !== undefined);
  return example;
}

test('a staging list reaches its testers and nobody else, under a class that captures mail to others', async (t) => {
  const example = await exampleOfTheGuide();
  const settings = `classes:
  default:
    recipients: {allow: ['@shop.example', tester@agency.example], includeSubdomains: true, otherwise: Capture}
    existingSenders: [{shop: shop.example}]
    delivery: {capturedMessages: 1}
`;
  const folder = await folderOf(t, { 'a.yaml': sender, 'b.yaml': example, 'settings.yaml': settings });
  const process = await startStandalone(t, { folder });
  const { state } = process;
  const transport = await transportOf(process, 'staging-app-smtp');
  t.after(() => transport.close());
  const send = (...to: string[]) =>
    transport.sendMail({
      from: 'app@shop.example',
      to: 'a@real.example',
      envelope: { from: 'app@shop.example', to },
      text: 'x',
    });

  await send('a@real.example', 'tester@agency.example', 'b@real.example');
  const messages = await delivered(state, 2);
  assert.deepEqual(messages.map(({ envelope }) => envelope.recipients.join()).toSorted(), [
    'staging-inbox@shop.example',
    'tester@agency.example',
  ]);
  const redirected = messages.find(({ envelope }) => envelope.recipients[0] === 'staging-inbox@shop.example');
  assert.match(
    redirected?.content.toString() ?? '',
    /^X-Original-To: a@real\.example\r\nX-Original-To: b@real\.example\r\nReceived:/,
  );

  await writeFiles(folder, {
    'b.yaml': example.replace('otherwise: Redirect', 'otherwise: Capture').replace(/ *redirectTo.*\n/, ''),
  });
  const id = await until(async () => /captured as (\w+), not sent/.exec((await send('a@real.example')).response)?.[1]);
  const captured = path.join(state, 'spool/captured/shop/staging');
  // a message that was still queued when the guard changed may be there as well
  const kept = await readdir(captured);
  for (const name of [`${id}.eml`, `${id}.json`]) assert.ok(kept.includes(name), `${name} is not among ${kept.join()}`);

  await writeFiles(folder, { 'b.yaml': example.replace(/ {2}recipients:.*?(?=---)/s, '') });
  await until(async () => {
    const { condition } = await statusOf(state, 'SmtpPlusList', 'shop', 'staging');
    return condition('Accepted')?.message.includes('2 addresses and domains') || undefined;
  });
  await until(async () => /captured as/.exec((await send('b@real.example')).response) ?? undefined);
  assert.equal((await readdir(captured)).length, 2, 'the newest alone, as the settings say');
  const reached = (await outbox(state)).flatMap(({ envelope }) => envelope.recipients.map(String));
  assert.deepEqual([...new Set(reached)].toSorted(), ['staging-inbox@shop.example', 'tester@agency.example']);
});
