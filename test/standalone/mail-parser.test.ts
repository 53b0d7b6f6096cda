/** Mail that keeps its parser busy, or takes all its memory: whoever looks at it is told so, and nobody else notices. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { Facts } from '../../operator/console/facts.ts';
import { createMailPages } from '../../operator/console/mail/pages.ts';
import { createMailParser, type MailParser } from '../../operator/console/mail/parser.ts';
import { createMailSearch } from '../../operator/console/mail/search.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { pageRequest } from '../support/page-request.ts';
import { aConfig } from '../support/relay-config.ts';
import { startWholeRelay } from '../support/whole-relay.ts';
import { beginMessage, logIn } from '../relay/sessions.ts';

const MIB = 1024 * 1024;
const HTML = 'Subject: hostile\r\nContent-Type: text/html\r\n\r\n';
const fill = (text: string, octets: number): string => text.repeat(octets / text.length);

/** Minutes of work for what cleans HTML: each end tag is looked for among all that are open. */
const STUCK = HTML + fill('<p><a>', MIB / 2) + fill('</b>', MIB / 2);

const HOSTILE: Readonly<Record<string, string>> = {
  'parts within parts': Array.from(
    { length: 100_000 },
    (_, i) => `Content-Type: multipart/mixed; boundary=${i}\n\n--${i}\n`,
  ).join(''),
  'a million tags': HTML + fill('<b>', 3 * MIB),
  'a flood of <': HTML + fill('<', 4 * MIB),
  'a million header fields': `${fill('A:\n', 3 * MIB)}\nx`,
  'a million addresses': `From: ${fill('a,', 500_000)}\n\nx`,
  'a million pictures': HTML + fill('<img src="cid:a">', 4 * MIB),
  'a million entities': HTML + fill('&amp;', 4 * MIB) + fill('&#', MIB),
  'encoded words without an end': `Subject: ${fill('=?utf-8?q?a?= ', 400_000)}\n\nx`,
  'millions of lines': `A: b\n\n${fill('\n', 8 * MIB)}`,
  'millions of empty parts': `Content-Type: multipart/mixed; boundary=b\n\n${fill('--b\n\n', 8 * MIB)}`,
};

const ENVELOPE = { time: '2026-11-28T08:00:00.000Z', user: 'u', list: 'l', from: 'a@b.example', recipients: [] };

async function place(folder: string, id: string, content: string): Promise<void> {
  await writeFile(path.join(folder, `${id}.eml`), content);
  await writeFile(path.join(folder, `${id}.json`), JSON.stringify({ ...ENVELOPE, id }));
}

function parserFor(t: TestContext, options: Parameters<typeof createMailParser>[0]): MailParser {
  const parser = createMailParser(options);
  t.after(parser.close);
  return parser;
}

const FOREVER = { timeMs: 2 ** 31 - 1 };
/** All that the pages of mail want of them. */
const NO_FACTS = { version: '0', showsMail: true } as Facts;

function pagesOf(folder: string, parser: MailParser) {
  const pages = createMailPages({ places: () => [{ letter: 'o', folder }], parser });
  return async (path: string) => {
    const { status, body } = await pages(pageRequest(path), path, NO_FACTS);
    return { status, text: Buffer.from(body).toString() };
  };
}

describe('a mail whose parser is stuck', () => {
  test('holds up no session of the relay in the same process, and its page says what to do instead', async (t) => {
    const [relay, folder] = [await startWholeRelay(t, aConfig()), await folderOf(t)];
    await place(folder, '1', STUCK);
    const parser = parserFor(t, FOREVER);
    const get = pagesOf(folder, parser);
    let isAnswered = false;
    const shown = get('/mail/o-1').finally(() => (isAnswered = true));

    const client = await logIn(relay);
    await beginMessage(client);
    assert.match(await client.ask('From: orders@shop.example\r\n\r\nhello\r\n.'), /^250 /);
    client.destroy();
    assert.equal(isAnswered, false, 'the parser is not stuck, so that this test says nothing');

    parser.close();
    const { status, text } = await shown;
    assert.equal(status, 200);
    assert.match(text, /This message takes too much time or memory to show\. Download its source instead\./);
    assert.match(text, /href="\/console\/mail\/o-1\/message\.eml"/);
    assert.match(text, /Content-Type: text\/html/, 'its source is there');
  });

  test('ends in time, in its frame too, and the next mail is shown', async (t) => {
    const folder = await folderOf(t);
    await place(folder, '1', STUCK);
    await place(folder, '2', `${HTML}<p>well meant</p>`);
    const get = pagesOf(folder, parserFor(t, { timeMs: 1000 }));
    assert.match((await get('/mail/o-1')).text, /takes too much time or memory to show/);
    const { status, text } = await get('/mail/o-1/frame.html');
    assert.deepEqual(
      [status, text],
      [503, 'This message takes too much time or memory to show. Download its source instead.\n'],
    );
    const patient = pagesOf(folder, parserFor(t, FOREVER));
    assert.match((await patient('/mail/o-2/frame.html')).text, /<p>well meant<\/p>/);
  });

  test('ends when it has taken more memory than a mail may have', async (t) => {
    const folder = await folderOf(t);
    await place(folder, '1', STUCK);
    const get = pagesOf(folder, parserFor(t, { ...FOREVER, residentOctets: MIB }));
    assert.match((await get('/mail/o-1')).text, /takes too much time or memory to show/);
  });

  test('is waited for by no more people than there are connections', async (t) => {
    const folder = await folderOf(t);
    await place(folder, '1', STUCK);
    const parser = parserFor(t, FOREVER);
    const waiting = Array.from({ length: 64 }, () => parser.ask('page', { file: path.join(folder, '1') }));
    const { status, text } = await pagesOf(folder, parser)('/mail/o-1/attachments/1');
    assert.equal(status, 503);
    assert.match(text, /Too many messages are being opened/);
    parser.close();
    for (const outcome of await Promise.all(waiting)) assert.deepEqual(outcome, { ok: false, why: 'TooMuch' });
  });
});

describe('hostile mail', () => {
  for (const [what, content] of Object.entries(HOSTILE)) {
    test(`of ${what} is shown, or said to take too much, and the next one is read`, async (t) => {
      const folder = await folderOf(t);
      await place(folder, '1', content);
      await place(folder, '2', 'Subject: well meant\n\nx');
      const parser = parserFor(t, { timeMs: 2000 });
      const get = pagesOf(folder, parser);
      assert.equal((await get('/mail/o-1')).status, 200);
      await get('/mail/o-1/frame.html');
      const { text } = await get('/mail');
      assert.match(text, /href="\/console\/mail\/o-1"/);
      await until(async () => {
        const gist = await parser.ask('gist', { file: path.join(folder, '2') });
        return gist.ok && gist.value?.subject === 'well meant';
      });
    });
  }

  test('is read once for the list, and the rest of the list is there when time is up', async (t) => {
    const folder = await folderOf(t);
    for (const id of ['1', '2', '3']) await place(folder, id, 'Subject: x\n\nx');
    let now = 0;
    const asked: string[] = [];
    const slow: MailParser = {
      ask: async (_, { file }) => {
        asked.push(path.basename(file));
        now += 15_000;
        return { ok: false, why: 'TooMuch' };
      },
      close: () => undefined,
    };
    const search = createMailSearch(slow, () => now);
    const all = ['3', '2', '1'].map((id) => ({ key: `o-${id}`, id, file: path.join(folder, id) }));
    const subjects = async () => (await search.summarize(all)).map(({ subject }) => subject);
    const [slowly, later] = ['(cannot be read: it takes too much time or memory)', '(not read yet)'];
    assert.deepEqual(await subjects(), [slowly, slowly, later]);
    assert.deepEqual(await subjects(), [slowly, slowly, slowly]);
    assert.deepEqual(asked, ['3', '2', '1']);
  });
});
