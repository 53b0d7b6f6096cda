/** What the spool has said yes to is there after a crash, on a disk that forgets all that was not synced. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { accept } from '../../relay/accept.ts';
import { nodeDisk, SyncError } from '../../relay/spool/disk.ts';
import { openSpool, type Spool } from '../../relay/spool/spool.ts';
import { openStore } from '../../relay/spool/store.ts';
import { folderOf } from '../support/folder.ts';
import { createForgetfulDisk, type ForgetfulDisk } from '../support/forgetful-disk.ts';
import { aMessage, anId, captureLog, CONTENT, createMetrics, inFile, inMemory } from '../support/queued.ts';

const LARGE = Buffer.alloc(70_000, 'a large message\r\n');

function opened(folder: string, { disk, openStore: open }: ForgetfulDisk): Promise<Spool> {
  const { log } = captureLog();
  return openSpool(folder, { metrics: createMetrics(), log, reserveBytes: () => 0, disk, openStore: open });
}

/** What was promised, as far as it has been said. */
interface Promised {
  /** By id, what must be there. */
  readonly kept: Map<string, Buffer>;
  /** What must not be there any more. */
  readonly gone: Set<string>;
  /** What may be there, but then as a whole. */
  readonly begun: Map<string, Buffer>;
  /** What somebody may have cut off. */
  readonly damaged: Set<string>;
  /** Paths below the folder, for people. */
  readonly files: Map<string, Buffer>;
}

type Deed = (spool: Spool, disk: ForgetfulDisk, promised: Promised) => Promise<void>;

async function put(spool: Spool, { disk }: ForgetfulDisk, promised: Promised, kind: 'small' | 'large' | 'file') {
  const bytes = kind === 'small' ? CONTENT : LARGE;
  const message = aMessage({ content: bytes });
  const content = kind === 'file' ? await inFile(spool, { id: message.id, bytes }, disk) : inMemory(bytes);
  promised.begun.set(message.id, bytes);
  await spool.put(message, content);
  promised.kept.set(message.id, bytes);
  return message;
}

const DEEDS = {
  small: async (...scene) => void (await put(...scene, 'small')),
  large: async (...scene) => void (await put(...scene, 'large')),
  file: async (...scene) => void (await put(...scene, 'file')),
  delivered: async (spool, disk, promised) => {
    const { id } = await put(spool, disk, promised, 'file');
    promised.kept.delete(id);
    await spool.settle(id, { reports: [] });
    promised.gone.add(id);
  },
  bounced: async (spool, disk, promised) => {
    const { id } = await put(spool, disk, promised, 'small');
    const report = aMessage({ envelope: { from: '' } });
    promised.begun.set(report.id, CONTENT);
    promised.kept.delete(id);
    await spool.settle(id, { reports: [{ message: report, bytes: CONTENT }] });
    promised.gone.add(id);
    promised.kept.set(report.id, CONTENT);
  },
  damaged: async (spool, forgetful, promised) => {
    const { id } = await put(spool, forgetful, promised, 'file');
    const [body, rest] = [path.join(path.dirname(spool.incomingFolder), 'bodies', id), LARGE.subarray(0, 100)];
    promised.kept.delete(id);
    promised.damaged.add(id);
    await forgetful.disk.write(body, rest);
    await forgetful.disk.syncFile(body);
    assert.equal(await spool.read(id), undefined);
    promised.files.set(`quarantine/${id}.eml`, rest);
    promised.gone.add(id);
  },
  captured: async (spool, _disk, { files }) => {
    const { envelope, ...message } = aMessage();
    const copy = { ...message, from: envelope.from, recipients: ['a@real.example'] };
    await spool.capture(copy, inMemory());
    files.set(`captured/${message.list}/${message.id}.eml`, CONTENT);
  },
  reported: async (spool, _disk, { files }) => {
    const [id, list] = [anId(), 'shop/transactional'];
    const about = { about: 'A', sender: 'a@shop.example', user: 'orders.shop', reply: '550 no' };
    await spool.keepReport({ id, list, content: CONTENT, ...about });
    files.set(`reports/${id}.eml`, CONTENT);
  },
} satisfies Record<string, Deed>;

interface Life {
  readonly deeds: readonly (keyof typeof DEEDS)[];
  /** The operation of the disk at which the power goes. */
  readonly crashAt: number;
}

/** Opens the spool and does all of it at once, until the power goes. */
async function live(folder: string, disk: ForgetfulDisk, { deeds, crashAt }: Life, promised: Promised): Promise<void> {
  let spool: Spool | undefined;
  const deadline = disk.crashAt(crashAt);
  const living = opened(folder, disk).then((open) => {
    spool = open;
    return Promise.all(deeds.map((deed) => DEEDS[deed](open, disk, promised)));
  });
  await Promise.race([deadline, living]);
  disk.stop();
  await spool?.close();
}

async function verify(folder: string, disk: ForgetfulDisk, promised: Promised): Promise<void> {
  const { kept, gone, begun, damaged, files } = promised;
  const spool = await opened(folder, disk);
  try {
    const there = new Set([...spool.entries()].map(({ id }) => id));
    for (const id of kept.keys()) assert.ok(there.has(id), `${id} was acknowledged and is gone`);
    for (const id of gone) assert.ok(!there.has(id), `${id} was delivered and is back`);
    for (const id of [...there].filter((one) => !damaged.has(one))) {
      const body = (await spool.read(id))?.content.body;
      const bytes = body?.kind === 'file' ? await disk.disk.read(body.path) : body?.bytes;
      assert.ok(isSame(bytes, begun.get(id)), `${id} is not as it was: ${bytes?.length} octets`);
    }
    for (const [file, bytes] of files) assert.ok(bytes.equals(await disk.disk.read(path.join(folder, file))), file);
  } finally {
    await spool.close();
  }
}

/** A diff of them would take minutes. */
function isSame(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b);
}

const lives = fc.array(
  fc.record({
    deeds: fc.array(fc.constantFrom(...(Object.keys(DEEDS) as (keyof typeof DEEDS)[])), { maxLength: 6 }),
    crashAt: fc.nat({ max: 50 }),
  }),
  { minLength: 1, maxLength: 3 },
);

/** Says yes in `percent` of all cases, the same for the same seed. */
function chance(seed: number, percent: number): () => boolean {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32) * 100 < percent;
  };
}

describe('after a crash at any operation', () => {
  test('all that was acknowledged is there, as a whole, and nothing that was delivered comes back', async (t) => {
    const base = await folderOf(t);
    await fc.assert(
      fc.asyncProperty(lives, fc.nat(), fc.constantFrom(0, 50, 100), async (chosen, seed, percent) => {
        const isLost = chance(seed, percent);
        const promised: Promised = {
          kept: new Map(),
          gone: new Set(),
          begun: new Map(),
          damaged: new Set(),
          files: new Map(),
        };
        const run = await mkdtemp(path.join(base, 'run-'));
        let disk = createForgetfulDisk(run);
        for (const [number, life] of chosen.entries()) {
          const folder = await aRealFolder(run, number);
          disk = disk.survivors(folder, isLost);
          await live(folder, disk, life, promised);
        }
        const folder = await aRealFolder(run, chosen.length);
        await verify(folder, disk.survivors(folder, isLost), promised);
      }),
      { numRuns: 300 },
    );
  });
});

test('a database that was lost and made anew has its name on disk before anything is in it', async (t) => {
  const run = await folderOf(t);
  const first = createForgetfulDisk(run);
  const [before, now, after] = [await aRealFolder(run, 0), await aRealFolder(run, 1), await aRealFolder(run, 2)];
  const used = first.survivors(before, () => false);
  await (await opened(before, used)).close();
  await used.disk.remove(path.join(before, 'queue.mdb'));
  const anew = used.survivors(now, () => false);
  const spool = await opened(now, anew);
  const { id } = aMessage();
  await spool.put(aMessage({ id }), inMemory());
  anew.stop();
  await spool.close();
  const left = await opened(
    after,
    anew.survivors(after, () => true),
  );
  t.after(() => left.close());
  assert.deepEqual(
    [...left.entries()].map((entry) => entry.id),
    [id],
  );
});

/** For the room on it, which is that of the machine. */
async function aRealFolder(run: string, life: number): Promise<string> {
  const folder = path.join(run, String(life));
  await mkdir(folder);
  return folder;
}

describe('a sync that fails', () => {
  for (const [what, sync] of [
    ['of a file', () => nodeDisk.syncFile('/dev/null')],
    ['of a folder', () => nodeDisk.syncFolder('/proc')],
  ] as const) {
    test(`is told: ${what}`, () => assert.rejects(sync(), SyncError));
  }

  test('ends the trust in the spool: nothing is accepted after it', async (t) => {
    const folder = await folderOf(t);
    const { disk, openStore: open } = createForgetfulDisk(folder);
    const failing = { ...disk, syncFile: () => Promise.reject(new SyncError('fsync failed')) };
    let isFatal = false;
    const spool = await openSpool(folder, {
      metrics: createMetrics(),
      log: captureLog().log,
      reserveBytes: () => 0,
      disk: failing,
      openStore: open,
      onFatal: () => (isFatal = true),
    });
    t.after(() => spool.close());
    const message = aMessage({ content: LARGE });
    const content = await inFile(spool, { id: message.id, bytes: LARGE }, disk);
    await assert.rejects(spool.put(message, content), SyncError);
    assert.ok(isFatal);
    assert.equal(spool.hasRoom(0), false);
    await assert.rejects(spool.put(aMessage(), inMemory()), /spool failed/);
  });
});

describe('a message is acknowledged', () => {
  test('after its content, its name and its record are on disk, in this order', async (t) => {
    const folder = await folderOf(t);
    const forgetful = createForgetfulDisk(folder);
    const spool = await opened(folder, forgetful);
    t.after(() => spool.close());
    const message = aMessage({ content: LARGE });
    const content = await inFile(spool, { id: message.id, bytes: LARGE }, forgetful.disk);
    const before = forgetful.journal.length;
    const parts = { config: () => undefined, spool, delivery: { passThrough: () => assert.fail() } };
    const reply = await accept(parts, message, content);
    assert.equal(reply.code, 250);
    assert.deepEqual(forgetful.journal.slice(before), [
      `sync incoming/${message.id}.part`,
      `rename incoming/${message.id}.part bodies/${message.id}`,
      'sync folder bodies',
      `commit +${message.id}`,
    ]);
  });

  for (const kind of ['in memory', 'in a file'] as const) {
    test(`not before any of that is done: ${kind}`, async (t) => {
      const folder = await folderOf(t);
      const forgetful = createForgetfulDisk(folder);
      const spool = await opened(folder, forgetful);
      const message = aMessage({ content: LARGE });
      const isFile = kind === 'in a file';
      const content = isFile ? await inFile(spool, { id: message.id, bytes: LARGE }, forgetful.disk) : inMemory(LARGE);
      const parts = { config: () => undefined, spool, delivery: { passThrough: () => assert.fail() } };
      const crashed = forgetful.crashAt(isFile ? 3 : 0);
      const answered = accept(parts, message, content).then(() => 'answered');
      assert.equal(await Promise.race([answered, crashed.then(() => 'crashed')]), 'crashed');
      await spool.close();
    });
  }
});

test('a message that is done loses its record before its file: a record without a file would be a loss', async (t) => {
  const folder = await folderOf(t);
  const forgetful = createForgetfulDisk(folder);
  const spool = await opened(folder, forgetful);
  t.after(() => spool.close());
  const message = aMessage({ content: LARGE });
  await spool.put(message, await inFile(spool, { id: message.id, bytes: LARGE }, forgetful.disk));
  const before = forgetful.journal.length;
  await spool.settle(message.id, { reports: [] });
  assert.deepEqual(forgetful.journal.slice(before), [`commit -${message.id}`, `remove bodies/${message.id}`]);
});

describe('the database', async () => {
  test('has forgotten what was removed once that has resolved, and is for its owner alone', async (t) => {
    const folder = await folderOf(t);
    const store = await openStore(path.join(folder, 'queue.mdb'));
    t.after(() => store.close());
    await store.write({ put: [{ id: 'A', record: CONTENT, body: CONTENT }] });
    await store.write({ remove: ['A'] });
    assert.deepEqual([store.record('A'), store.body('A'), [...store.records('', 10)]], [undefined, undefined, []]);
    for (const name of ['queue.mdb', 'queue.mdb-lock']) {
      assert.equal((await stat(path.join(folder, name))).mode & 0o777, 0o600, name);
    }
  });

  test(
    'has nothing in memory that is not on disk, once a write has resolved',
    { skip: await whyUnseen() },
    async (t) => {
      const folder = await folderOf(t);
      const file = path.join(folder, 'queue.mdb');
      const store = await openStore(file);
      t.after(() => store.close());
      for (let i = 0; i < 20; i++) {
        await store.write({ put: [{ id: `M${i}`, record: Buffer.alloc(500, 'r'), body: Buffer.alloc(9000, 'b') }] });
      }
      // its pages show in the map of this process once they were read
      for (const { key } of store.records('', 100)) assert.equal(store.body(key)?.length, 9000);
      const { mapped, dirty } = await pagesOf(file);
      assert.ok(mapped > 100, `only ${mapped} kB are mapped`);
      assert.equal(dirty, 0, `${dirty} kB were not written to the disk`);
    },
  );
});

/** Linux tells which pages of a mapped file wait to be written; a file system in memory writes none. */
async function whyUnseen(): Promise<string | false> {
  const TMPFS = 0x01021994;
  if (process.platform !== 'linux') return 'only Linux tells';
  return (await statfs(tmpdir())).type === TMPFS ? 'the temporary folder is no disk' : false;
}

async function pagesOf(file: string): Promise<{ mapped: number; dirty: number }> {
  const maps = (await readFile('/proc/self/smaps', 'utf8')).split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/);
  const ours = maps.filter((map) => map.split('\n')[0]?.endsWith(file));
  const kilobytes = (field: string) =>
    ours.reduce((sum, map) => sum + Number(new RegExp(`^${field}: +([0-9]+) kB`, 'm').exec(map)?.[1] ?? 0), 0);
  return { mapped: kilobytes('Rss'), dirty: kilobytes('Shared_Dirty') + kilobytes('Private_Dirty') };
}
