import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { CLASS_FILE_NAME, classDocumentSchema, SHARD_COUNT, shardFileName } from '../../relay/config/config.ts';
import { openConfigFolder, type ConfigFolder } from '../../relay/config/folder.ts';
import { createLog } from '../../relay/observe/log.ts';
import { aUser } from '../support/relay-config.ts';

const EMPTY_SHARD = '{"version":1,"lists":{},"users":{},"namespaces":{}}';

let folder: string;
let opened: ConfigFolder | undefined;
let lines: string[];
const log = () => createLog({ write: (line) => void lines.push(line) });

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'smtp-plus-config-'));
  lines = [];
});
afterEach(async () => {
  opened?.close();
  await rm(folder, { recursive: true });
});

function classDocument(hostname: string): string {
  const rest = { version: 1, name: 'default', shards: SHARD_COUNT, starttls: 'Required', session: {}, delivery: {} };
  return JSON.stringify(classDocumentSchema.parse({ ...rest, hostname }));
}

async function writeAll(into: string, { hostname = 'relay.example' } = {}): Promise<void> {
  await writeFile(path.join(into, CLASS_FILE_NAME), classDocument(hostname));
  for (let shard = 0; shard < SHARD_COUNT; shard++) await writeFile(path.join(into, shardFileName(shard)), EMPTY_SHARD);
}

async function changed(config: ConfigFolder): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  config.onChange(resolve);
  await promise;
}

describe('the configuration folder', () => {
  test('has nothing in force before its last document is there', async () => {
    await writeAll(folder);
    await rm(path.join(folder, shardFileName(7)));
    opened = await openConfigFolder(folder, { log: log() });
    assert.equal(opened.current(), undefined);
    await writeFile(path.join(folder, shardFileName(7)), EMPTY_SHARD);
    await opened.reload();
    assert.equal(opened.current()?.class.hostname, 'relay.example');
  });

  test('is read again when a file in it is replaced', async () => {
    await writeAll(folder);
    opened = await openConfigFolder(folder, { log: log() });
    const change = changed(opened);
    await writeFile(path.join(folder, 'new'), classDocument('other.example'));
    await rename(path.join(folder, 'new'), path.join(folder, CLASS_FILE_NAME));
    await change;
    assert.equal(opened.current()?.class.hostname, 'other.example');
  });

  test('is read again when the directory behind its symlink is swapped, as in a Secret volume', async () => {
    for (const version of ['one', 'two']) {
      await mkdir(path.join(folder, version));
      await writeAll(path.join(folder, version), { hostname: `${version}.example` });
    }
    const link = path.join(folder, 'data');
    await symlink('one', link);
    opened = await openConfigFolder(link, { log: log() });
    const change = changed(opened);
    await symlink('two', path.join(folder, 'data.new'));
    await rename(path.join(folder, 'data.new'), link);
    await change;
    assert.equal(opened.current()?.class.hostname, 'two.example');
  });

  test('keeps the document before a broken one in force, and says so once', async () => {
    await writeAll(folder);
    let errors = 0;
    opened = await openConfigFolder(folder, { log: log(), onError: () => errors++ });
    await writeFile(path.join(folder, CLASS_FILE_NAME), classDocument('other.example').slice(0, -1));
    await opened.reload();
    await opened.reload();
    assert.equal(opened.current()?.class.hostname, 'relay.example');
    assert.equal(errors, 1);
    assert.match(lines.join(''), /class\.json/);
  });

  test('leaves out an entry that it cannot use, with the others in force, and says so once and without its content', async () => {
    await writeAll(folder);
    const good = { ...JSON.parse(EMPTY_SHARD), users: { good: aUser() } };
    const users = { ...good.users, bad: { credentials: [{ verifier: 'sha256$secret' }] } };
    const lists = { 'shop/odd': { suspended: 'sometimes' } };
    await writeFile(path.join(folder, shardFileName(3)), JSON.stringify({ ...good, users, lists }));
    let errors = 0;
    opened = await openConfigFolder(folder, { log: log(), onError: () => errors++ });
    await opened.reload();
    assert.deepEqual([...(opened.current()?.users.keys() ?? [])], ['good']);
    assert.equal(errors, 1);
    assert.match(lines.join(''), /shard-003\.json.*lists\.shop\/odd\.suspended: /);
    assert.doesNotMatch(lines.join(''), /secret|sometimes/);
  });

  test('tells the hash of each document in force', async () => {
    await writeAll(folder);
    opened = await openConfigFolder(folder, { log: log() });
    const expected = createHash('sha256').update(classDocument('relay.example')).digest('hex');
    assert.equal(opened.hashes()[CLASS_FILE_NAME], expected);
    assert.equal(Object.keys(opened.hashes()).length, SHARD_COUNT + 1);
  });
});
