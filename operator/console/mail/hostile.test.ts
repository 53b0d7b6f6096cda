/** Mail that means harm to whoever lists or opens it: neither time nor output grows out of proportion to its size. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { HEADERS_MAX, readMail } from './read-mail.ts';
import { createMailSearch } from './search.ts';

const LENGTH = 128 * 1024;
/** What is mended takes milliseconds; what was not, far longer than that. */
const GENEROUS = 10_000;

const ENVELOPE = {
  id: '1',
  time: '2026-11-28T08:00:00.000Z',
  user: 'u',
  list: 'l',
  from: 'a@b.example',
  recipients: [],
};

async function captured(t: TestContext, content: string) {
  const folder = await mkdtemp(path.join(tmpdir(), 'hostile-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(path.join(folder, '1.eml'), content);
  await writeFile(path.join(folder, '1.json'), JSON.stringify(ENVELOPE));
  return { key: 'o-1', id: '1', file: path.join(folder, '1') };
}

/** In a process of its own: what blocks cannot be ended from within. */
async function summarizeElsewhere(t: TestContext, content: string): Promise<string> {
  const one = await captured(t, content);
  const script = `
    import { createMailSearch } from ${JSON.stringify(new URL('search.ts', import.meta.url))};
    console.log((await createMailSearch().summarize(${JSON.stringify(one)})).subject);
  `;
  const args = ['--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: GENEROUS, killSignal: 'SIGKILL' });
  return stdout.trim();
}

describe('hostile mail', () => {
  test('of tags without an end does not hold up the list', async (t) => {
    const head = 'Subject: tags\r\nContent-Type: text/html\r\n\r\n';
    assert.equal(await summarizeElsewhere(t, head + '<'.repeat(LENGTH)), 'tags');
  });

  test('with an attachment named by white space does not hold up the list', async (t) => {
    const head = `Subject: name\r\nContent-Disposition: attachment; filename="x${' '.repeat(LENGTH - 200)}x"`;
    assert.equal(await summarizeElsewhere(t, `${head}\r\n\r\ntext`), 'name');
  });

  test('with a long subject and sender is listed with their beginning', async (t) => {
    const one = await captured(
      t,
      `Subject: ${'s'.repeat(30_000)}\r\nFrom: ${'f'.repeat(30_000)}@b.example\r\n\r\ntext`,
    );
    const found = await createMailSearch().summarize(one);
    assert.equal(found?.subject.length, 1024);
    assert.equal(found.from.length, 1024);
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
});
