import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { type KeptReport, openKeptReports } from './kept-reports.ts';

const DAY_MS = 24 * 3600 * 1000;

async function aFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'reports-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

function aReport(id: string, list = 'shop/transactional'): KeptReport {
  const [about, sender, user, reply] = [`${id}-message`, 'orders@shop.example', 'orders.shop', '501 5.1.7 no'];
  return { id, about, sender, list, user, reply, content: Buffer.from('Subject: Undelivered\r\n\r\n') };
}

/** Ids of what is kept; each has both its files. */
async function idsIn(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).sort();
  const ids = names.filter((name) => name.endsWith('.eml')).map((name) => name.replace('.eml', ''));
  assert.deepEqual(names, ids.flatMap((id) => [`${id}.eml`, `${id}.json`]).sort());
  return ids;
}

describe('reports kept for people', () => {
  test('lie beside what they are about, for the owner of the spool alone', async (t) => {
    const folder = await aFolder(t);
    const reports = await openKeptReports(folder, { now: () => 0 });
    const file = await reports.keep(aReport('A'));
    assert.equal(file, path.join(folder, 'A.eml'));
    assert.equal(await readFile(file, 'utf8'), 'Subject: Undelivered\r\n\r\n');
    const { content: _, ...about } = aReport('A');
    const note = await readFile(path.join(folder, 'A.json'), 'utf8');
    assert.deepEqual(JSON.parse(note), { ...about, time: '1970-01-01T00:00:00.000Z' });
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  });

  test('go after thirty days, also those of an earlier process', async (t) => {
    const folder = await aFolder(t);
    let time = 0;
    const first = await openKeptReports(folder, { now: () => time });
    await first.keep(aReport('A'));
    time = DAY_MS;
    await first.keep(aReport('B'));
    time = 30 * DAY_MS + 1;
    await first.expire();
    assert.deepEqual(await idsIn(folder), ['B']);
    time = 31 * DAY_MS + 1;
    await openKeptReports(folder, { now: () => time });
    assert.deepEqual(await idsIn(folder), []);
  });

  test('are bounded in number: the oldest of the list with most goes first', async (t) => {
    const folder = await aFolder(t);
    let time = 0;
    const options = { most: 4, now: () => time++ };
    await (await openKeptReports(folder, options)).keep(aReport('quiet', 'quiet/list'));
    const reports = await openKeptReports(folder, options);
    for (const id of ['1', '2', '3', '4', '5']) await reports.keep(aReport(id));
    assert.deepEqual(await idsIn(folder), ['3', '4', '5', 'quiet']);
  });

  test('count once when they come again after a crash', async (t) => {
    const folder = await aFolder(t);
    const reports = await openKeptReports(folder, { most: 2 });
    for (const id of ['A', 'B', 'B']) await reports.keep(aReport(id));
    assert.deepEqual(await idsIn(folder), ['B']);
  });

  test('leave what somebody else has put there', async (t) => {
    const folder = await aFolder(t);
    await writeFile(path.join(folder, 'notes.json'), 'not ours');
    await writeFile(path.join(folder, 'README'), 'not ours');
    const reports = await openKeptReports(folder, { most: 1 });
    for (const id of ['A', 'B']) await reports.keep(aReport(id));
    assert.deepEqual((await readdir(folder)).sort(), ['B.eml', 'B.json', 'README', 'notes.json']);
  });
});
