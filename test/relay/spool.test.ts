import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bytesOf as bytesOfContent } from '../../relay/delivery/content.ts';
import type { Content } from '../../relay/message.ts';
import { DiskFullError } from '../../relay/spool/disk.ts';
import { encodeRecord, newRecord } from '../../relay/spool/record.ts';
import { openDiskSpace } from '../../relay/spool/disk-space.ts';
import { openSpool, type Spool } from '../../relay/spool/spool.ts';
import { openStore } from '../../relay/spool/store.ts';
import { aMessage, captureLog, CONTENT, createMetrics, inFile, inMemory, metricValue } from '../support/queued.ts';

async function aFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'spool-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function opened(folder: string, options: { reserveBytes?: () => number } = {}) {
  const { log, lines } = captureLog();
  const metrics = createMetrics();
  const spool = await openSpool(folder, { metrics, log, reserveBytes: () => 0, ...options });
  return { spool, metrics, lines };
}

async function bytesOf(spool: Spool, id: string): Promise<Buffer | undefined> {
  const found = await spool.read(id);
  if (found === undefined) return undefined;
  return bytesOfContent(found.content);
}

const LARGE = Buffer.alloc(300_000, 'a large message\r\n');

describe('spool', () => {
  test('a message is read back octet for octet after the spool was closed and opened again', async (t) => {
    const folder = await aFolder(t);
    const first = await opened(folder);
    const small = aMessage({ to: ['a@x.example', 'b@x.example'] });
    const large = aMessage({ content: LARGE });
    await first.spool.put(small, inMemory());
    await first.spool.put(large, await inFile(first.spool, { id: large.id, bytes: LARGE }));
    await first.spool.close();
    const { spool } = await opened(folder);
    t.after(() => spool.close());
    assert.deepEqual(await bytesOf(spool, small.id), CONTENT);
    assert.deepEqual(await bytesOf(spool, large.id), LARGE);
    const found = await spool.read(small.id);
    assert.deepEqual(
      found?.queued.pending.map(({ address }) => address),
      ['a@x.example', 'b@x.example'],
    );
    assert.deepEqual(
      [...spool.entries()].map(({ id }) => id),
      [small.id, large.id],
    );
  });

  for (const kind of ['memory', 'a file'] as const) {
    test(`the lines that we put in front of a message in ${kind} are read back in front of it`, async (t) => {
      const folder = await aFolder(t);
      const first = await opened(folder);
      const head = Buffer.from('Received: from a by b\r\n');
      const message = aMessage({ content: Buffer.concat([head, LARGE]) });
      const inside: Content = { head, body: { kind: 'memory', bytes: LARGE } };
      const outside = await inFile(first.spool, { id: message.id, bytes: LARGE, head });
      await first.spool.put(message, kind === 'memory' ? inside : outside);
      await first.spool.close();
      const { spool } = await opened(folder);
      t.after(() => spool.close());
      assert.deepEqual(await bytesOf(spool, message.id), Buffer.concat([head, LARGE]));
    });
  }

  test('a content file is taken over by renaming it', async (t) => {
    const { spool } = await opened(await aFolder(t));
    t.after(() => spool.close());
    const message = aMessage({ content: LARGE });
    await spool.put(message, await inFile(spool, { id: message.id, bytes: LARGE }));
    assert.deepEqual(await readdir(spool.incomingFolder), []);
    assert.deepEqual(await bytesOf(spool, message.id), LARGE);
  });

  test('what was being received when the process died, and files without a record, are removed', async (t) => {
    const folder = await aFolder(t);
    const first = await opened(folder);
    const message = aMessage({ content: LARGE });
    await first.spool.put(message, await inFile(first.spool, { id: message.id, bytes: LARGE }));
    await writeFile(path.join(folder, 'incoming', 'half'), 'x');
    await writeFile(path.join(folder, 'bodies', 'orphan'), 'x');
    await first.spool.close();
    const { spool } = await opened(folder);
    t.after(() => spool.close());
    assert.deepEqual(await readdir(path.join(folder, 'incoming')), []);
    assert.deepEqual(await readdir(path.join(folder, 'bodies')), [message.id]);
    assert.deepEqual(await bytesOf(spool, message.id), LARGE);
  });

  test('a settled message is gone, with its file, and its report is in', async (t) => {
    const folder = await aFolder(t);
    const { spool, metrics } = await opened(folder);
    t.after(() => spool.close());
    const message = aMessage({ content: LARGE });
    await spool.put(message, await inFile(spool, { id: message.id, bytes: LARGE }));
    const report = aMessage({ envelope: { from: '' } });
    const announced: string[] = [];
    spool.onPut(({ id }) => announced.push(id));
    await spool.settle(message.id, { reports: [{ message: report, bytes: CONTENT }] });
    assert.equal(await spool.read(message.id), undefined);
    assert.deepEqual(await readdir(path.join(folder, 'bodies')), []);
    assert.deepEqual(await bytesOf(spool, report.id), CONTENT);
    assert.deepEqual(announced, [report.id]);
    assert.equal(await metricValue(metrics, 'spool_messages'), 1);
    assert.equal(await metricValue(metrics, 'spool_bytes'), CONTENT.length);
  });

  test('a second process, or a second opening, is refused', async (t) => {
    const folder = await aFolder(t);
    const { spool } = await opened(folder);
    t.after(() => spool.close());
    await assert.rejects(opened(folder), /another process uses the spool/);
  });

  test('there is room only above the reserve', async (t) => {
    const { spool } = await opened(await aFolder(t));
    t.after(() => spool.close());
    assert.equal(spool.hasRoom(1000), true);
    assert.equal(spool.hasRoom(Number.MAX_SAFE_INTEGER), false);
    const full = await opened(await aFolder(t), { reserveBytes: () => Number.MAX_SAFE_INTEGER });
    t.after(() => full.spool.close());
    assert.equal(full.spool.hasRoom(0), false);
  });

  test('a reserve that changes counts at the next question', async (t) => {
    let reserve = Number.MAX_SAFE_INTEGER;
    const { spool } = await opened(await aFolder(t), { reserveBytes: () => reserve });
    t.after(() => spool.close());
    assert.equal(spool.hasRoom(1000), false);
    reserve = 1;
    assert.equal(spool.hasRoom(1000), true);
  });

  test('ids that could leave the folder are refused', async (t) => {
    const { spool } = await opened(await aFolder(t));
    t.after(() => spool.close());
    await assert.rejects(spool.put(aMessage({ id: '../x' }), inMemory()), /id/);
  });

  test('a record that cannot be read, and a content that is cut off, are moved aside and the others stay', async (t) => {
    const folder = await aFolder(t);
    const first = await opened(folder);
    const good = aMessage();
    const cut = aMessage({ content: LARGE });
    await first.spool.put(good, inMemory());
    const parts = { bytes: LARGE.subarray(10), head: LARGE.subarray(0, 10) };
    await first.spool.put(cut, await inFile(first.spool, { id: cut.id, ...parts }));
    await first.spool.close();
    const store = await openStore(path.join(folder, 'queue.mdb'));
    await store.write({
      put: [{ id: 'BROKEN', record: Buffer.from('{"version":1'), body: Buffer.from('its content') }],
    });
    await store.close();
    await truncate(path.join(folder, 'bodies', cut.id), 100);
    const { spool, lines } = await opened(folder);
    t.after(() => spool.close());
    assert.equal(await spool.read(cut.id), undefined);
    assert.deepEqual(
      [...spool.entries()].map(({ id }) => id),
      [good.id],
    );
    assert.deepEqual(await bytesOf(spool, good.id), CONTENT);
    assert.deepEqual((await readdir(path.join(folder, 'quarantine'))).sort(), [
      'BROKEN.eml',
      'BROKEN.record',
      `${cut.id}.eml`,
      `${cut.id}.head`,
      `${cut.id}.record`,
    ]);
    assert.equal(await readFile(path.join(folder, 'quarantine', 'BROKEN.eml'), 'utf8'), 'its content');
    assert.equal(lines.filter(({ msg }) => msg === 'message moved to quarantine').length, 2);
  });

  test('everything acknowledged before kill -9 is there after it, octet for octet, many times over', async (t) => {
    const folder = await aFolder(t);
    const acknowledged = new Map<string, string>();
    for (const [round, afterMs] of [400, 120, 333].entries()) {
      const output = await runChild({ folder, prefix: `r${round}`, afterMs });
      for (const [id = '', hash = ''] of output.map((line) => line.split(' '))) acknowledged.set(id, hash);
    }
    const { spool } = await opened(folder);
    t.after(() => spool.close());
    assert.ok(acknowledged.size > 50, `only ${acknowledged.size} were acknowledged`);
    assert.ok(
      [...acknowledged.keys()].some((id) => id.endsWith('-7')),
      'no large one was acknowledged',
    );
    for (const [id, hash] of acknowledged) {
      const bytes = await bytesOf(spool, id);
      assert.ok(bytes !== undefined, `${id} was acknowledged and is gone`);
      assert.equal(createHash('sha256').update(bytes).digest('hex'), hash);
    }
  });

  test('a write that fails ends acceptance, and costs nothing that was acknowledged', async (t) => {
    const folder = await aFolder(t);
    const output = await runChild({ folder, prefix: 'limited', fileKiB: 20_000 });
    const end = output.indexOf('fatal');
    assert.deepEqual(output.slice(end + 1), Array(8).fill('refused'));
    const acknowledged = output.slice(0, end);
    const { spool } = await opened(folder);
    t.after(() => spool.close());
    assert.ok(acknowledged.length > 50);
    for (const line of acknowledged)
      assert.ok((await spool.read(line.split(' ')[0] ?? '')) !== undefined, `${line} is gone`);
  });
});

describe('a spool on a full disk', () => {
  test('settles what it has, with reports', async (t) => {
    const folder = await aFolder(t);
    const { spool } = await opened(folder);
    for (let i = 0; i < 50; i++) await spool.put(aMessage(), inMemory());
    await spool.close();
    assert.deepEqual(await runSettling(folder), ['50 settled']);
    const after = await opened(folder);
    t.after(() => after.spool.close());
    assert.ok([...after.spool.entries()].every(({ id }) => id.endsWith('-r1')));
  });

  test('opens and settles thousands of small messages, which share pages', async (t) => {
    const folder = await aFolder(t);
    const { spool } = await opened(folder);
    const small = Buffer.alloc(300, 'x');
    await Promise.all(Array.from({ length: 3000 }, () => spool.put(aMessage({ content: small }), inMemory(small))));
    await spool.close();
    assert.deepEqual(await runSettling(folder), ['3000 settled']);
  });

  test('refuses a message whose record has no room, leaves no file of it, and takes the next one', async (t) => {
    const folder = await aFolder(t);
    let isFull = true;
    let isFatal = false;
    const spool = await openSpool(folder, {
      metrics: createMetrics(),
      log: captureLog().log,
      reserveBytes: () => 0,
      onFatal: () => (isFatal = true),
      openStore: async (...parameters) => {
        const store = await openStore(...parameters);
        const write: typeof store.write = (change) =>
          isFull ? Promise.reject(new DiskFullError('no room on the disk')) : store.write(change);
        return { ...store, write };
      },
    });
    t.after(() => spool.close());
    const put = async () => {
      const message = aMessage({ content: LARGE });
      await spool.put(message, await inFile(spool, { id: message.id, bytes: LARGE }));
      return message.id;
    };
    await assert.rejects(put(), { code: 'ENOSPC' });
    assert.deepEqual([await readdir(spool.incomingFolder), await readdir(path.join(folder, 'bodies'))], [[], []]);
    isFull = false;
    const id = await put();
    assert.deepEqual(await readdir(path.join(folder, 'bodies')), [id]);
    assert.equal(isFatal, false);
  });

  test('is asked for its room once at a time, however slow its disk', async (t) => {
    let [asking, most] = [0, 0];
    const reusableBytes = async (): Promise<number> => {
      most = Math.max(most, ++asking);
      await sleep(600);
      asking--;
      return 0;
    };
    const room = await openDiskSpace(await aFolder(t), { reserveBytes: () => 0, reusableBytes });
    t.after(() => room.close());
    await sleep(1500);
    assert.equal(most, 1);
  });

  test('that has no room for settlements does not open, and says what would mend it', async (t) => {
    const folder = await aFolder(t);
    const message = aMessage();
    const store = await openStore(path.join(folder, 'queue.mdb'));
    await store.write({
      put: [{ id: message.id, record: encodeRecord(newRecord(message, { isFile: false })), body: CONTENT }],
    });
    await store.close();
    const [line = ''] = await runSettling(folder);
    assert.match(line, /no room to write down what is delivered, so nothing is: free 20 MiB of its volume/);
    const { spool } = await opened(folder);
    t.after(() => spool.close());
    assert.deepEqual(await bytesOf(spool, message.id), CONTENT);
  });
});

/** Runs settle-child.ts where no file can grow beyond the size that the database has. */
async function runSettling(folder: string): Promise<string[]> {
  const { size } = await stat(path.join(folder, 'queue.mdb'));
  return runChild({ script: 'settle-child.ts', folder, fileKiB: Math.ceil(size / 1024) });
}

/** Lines the child printed before it ended: killed after a time from its first line, or by itself. */
function runChild({
  script = 'spool-child.ts',
  folder,
  prefix = '',
  afterMs,
  fileKiB,
}: {
  script?: string;
  folder: string;
  prefix?: string;
  afterMs?: number;
  fileKiB?: number;
}): Promise<string[]> {
  const limit = fileKiB === undefined ? '' : `ulimit -f ${fileKiB}; `;
  const file = path.join(import.meta.dirname, script);
  const child = spawn('bash', ['-c', `${limit}exec "$@"`, 'bash', process.execPath, file, folder, prefix], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    if (output === '' && afterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), afterMs);
    output += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    // the last line may be cut off by the kill: it was printed after the message was on disk, but is no id
    child.on('close', () => resolve(output.split('\n').slice(0, -1)));
  });
}
