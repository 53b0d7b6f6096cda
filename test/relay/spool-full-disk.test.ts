/** A disk that is really full, and one that is read-only: a small file system in memory, for this test alone. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { folderOf } from '../support/folder.ts';

const SIZE = '48m';
const NAMESPACES = ['--user', '--map-root-user', '--mount'];

/** Containers may not make namespaces; what `ulimit -f` shows of a full disk is in spool.test.ts. */
function whyNot(): string | false {
  const { status } = spawnSync('unshare', [...NAMESPACES, 'true']);
  return status === 0 ? false : 'no mount namespaces here';
}

test(
  'a disk that others fill refuses what has no room, loses nothing, and is drained; a read-only one is named',
  { skip: whyNot() },
  async (t) => {
    const disk = await folderOf(t);
    const script = path.join(import.meta.dirname, 'full-disk-child.ts');
    const command = `mount -t tmpfs -o size=${SIZE} tmpfs "$1" && exec "$2" "$3" "$1"`;
    const parameters = [...NAMESPACES, 'bash', '-c', command, 'bash', disk, process.execPath, script];
    const output = execFileSync('unshare', parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const lines = output.trim().split('\n');
    const said = new Map(lines.map((line) => JSON.parse(line) as [string, unknown]));
    const accepted = Number(said.get('accepted'));
    assert.ok(accepted > 100, output);
    assert.deepEqual(said.get('together'), ['taken', 'ENOSPC', 'taken']);
    assert.equal(said.get('half of it'), 'ENOSPC');
    assert.deepEqual(said.get('missing'), []);
    assert.equal(said.get('reports'), accepted);
    assert.equal(said.get('fatal'), 0);
    assert.match(String(said.get('read-only')), /read-only file system|EROFS/);
  },
);
