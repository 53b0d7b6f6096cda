/** Mail that means harm to whoever lists or opens it: neither time nor output grows out of proportion to its size. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { frameOf, INLINED_MAX, PICTURES_MAX } from './frame.ts';
import { answerTo } from './parse.ts';
import type { Gist } from './questions.ts';
import { HEADERS_MAX, readMail } from './read-mail.ts';

const LENGTH = 128 * 1024;
/** What is mended takes milliseconds; what was not, far longer than that. */
const GENEROUS = 10_000;

async function captured(t: TestContext, content: string) {
  const folder = await mkdtemp(path.join(tmpdir(), 'hostile-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(path.join(folder, '1.eml'), content);
  return { file: path.join(folder, '1') };
}

/** In a process of its own: what blocks cannot be ended from within. */
async function readElsewhere(t: TestContext, content: string): Promise<string> {
  const one = await captured(t, content);
  const script = `
    import { answerTo } from ${JSON.stringify(new URL('parse.ts', import.meta.url))};
    console.log((await answerTo({ about: 'gist', mail: ${JSON.stringify(one)}, index: 0 })).subject);
  `;
  const args = ['--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: GENEROUS, killSignal: 'SIGKILL' });
  return stdout.trim();
}

const withPicture = (html: string, octets: number, number = 1) => ({
  html,
  attachments: Array.from({ length: number }, (_, i) => ({
    name: 'p',
    type: 'image/png',
    content: new Uint8Array(octets),
    contentId: `<p${i}>`,
  })),
});

const inlinedIn = (frame: string): number => frame.split('src="data:').length - 1;

describe('hostile mail', () => {
  test('of tags without an end does not hold up the list', async (t) => {
    const head = 'Subject: tags\r\nContent-Type: text/html\r\n\r\n';
    assert.equal(await readElsewhere(t, head + '<'.repeat(LENGTH)), 'tags');
  });

  test('with an attachment named by white space does not hold up the list', async (t) => {
    const head = `Subject: name\r\nContent-Disposition: attachment; filename="x${' '.repeat(LENGTH - 200)}x"`;
    assert.equal(await readElsewhere(t, `${head}\r\n\r\ntext`), 'name');
  });

  test('with a long subject and sender is listed with their beginning', async (t) => {
    const one = await captured(
      t,
      `Subject: ${'s'.repeat(30_000)}\r\nFrom: ${'f'.repeat(30_000)}@b.example\r\n\r\ntext`,
    );
    const gist = (await answerTo({ about: 'gist', mail: one, index: 0 })) as Gist;
    assert.deepEqual([gist.subject.length, gist.from.length], [1024, 1024]);
  });

  test('with thousands of header fields is shown with the first of them', async () => {
    const { headers } = await readMail(Buffer.from(`${'A: b\r\n'.repeat(2000)}\r\ntext`));
    assert.equal(headers.length, HEADERS_MAX);
  });

  test('of more parts than anybody has is not taken apart', async () => {
    const head = 'Subject: parts\nContent-Type: multipart/mixed; boundary=b\n\n';
    const { problem } = await readMail(Buffer.from(head + '--b\n\n'.repeat(10_001)));
    assert.match(problem ?? '', /too many parts/);
  });

  test('naming one picture over and over has it no more often than there is room', () => {
    const many = '<img src="cid:p0">'.repeat(PICTURES_MAX + 50);
    assert.equal(inlinedIn(frameOf(withPicture(many, 10))), PICTURES_MAX);
    const megabytes = 3;
    const large = frameOf(withPicture('<img src="cid:p0">'.repeat(10), megabytes * 1024 * 1024));
    assert.equal(inlinedIn(large), INLINED_MAX / (megabytes * 1024 * 1024 * (4 / 3)));
    assert.equal(large.split('<img />').length - 1, 10 - 4);
  });

  test('with pictures of its own and within its HTML has both from the same room', () => {
    const html =
      '<img src="data:image/png;base64,AAAA">'.repeat(PICTURES_MAX - 1) + '<img src="cid:p0"><img src="cid:p1">';
    const frame = frameOf(withPicture(html, 3, 2));
    assert.equal(inlinedIn(frame), PICTURES_MAX);
    assert.equal(frame.split('<img />').length - 1, 1);
  });

  test('has a picture encoded once, however often it is named', (t) => {
    const from = t.mock.method(Buffer, 'from');
    const mail = withPicture('<img src="cid:p0">'.repeat(50), 10);
    const before = from.mock.callCount();
    frameOf(mail);
    const ofPicture = from.mock.calls
      .slice(before)
      .filter(({ arguments: [what] }) => (what as unknown) === mail.attachments[0]?.content);
    assert.equal(ofPicture.length, 1);
  });
});
