/** The container image, made as `npm run image` makes it where no container engine is. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { bundle, loadedWith, PROGRAMS } from '../../tools/bundle.ts';
import { readLastStage } from '../../tools/image/dockerfile.ts';
import { needsCommand, run } from '../support/commands.ts';
import { folderOf } from '../support/folder.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const IMAGE = path.join(ROOT, 'tools/image.ts');
/** What the image may have, unpacked. */
const BYTES_MAX = 200_000_000;
/** Two builds beside whatever else the machine does. */
const BUILDS_MS = 900_000;

interface Described {
  readonly digest: string;
  readonly size: number;
}

interface Manifest {
  readonly config: Described;
  readonly layers: readonly Described[];
}

interface Config {
  readonly config: { readonly User: string; readonly Entrypoint: readonly string[] };
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

/** Makes it with the habits of one machine or another. Resolves to the folder with the archive, unpacked, and the SBOM. */
async function makeImage(t: TestContext, { umask, zone }: { umask: string; zone: string }): Promise<string> {
  const folder = await folderOf(t);
  const command = `umask ${umask} && exec "$0" "$1" --level 0 --output "$2"`;
  await run('sh', ['-c', command, process.execPath, IMAGE, folder], { cwd: folder, env: { ...process.env, TZ: zone } });
  await mkdir(path.join(folder, 'image'));
  await run('tar', ['-xf', await fileIn(folder, '.tar'), '-C', path.join(folder, 'image')]);
  return folder;
}

async function read(folder: string, ...parts: readonly string[]): Promise<Buffer> {
  return readFile(path.join(folder, ...parts));
}

describe('the image', () => {
  test('is the same from two builds, small, and whole', { timeout: BUILDS_MS }, async (t) => {
    if (!needsCommand(t, 'ldd')) return;
    const one = await makeImage(t, { umask: '077', zone: 'Asia/Tokyo' });
    const other = await makeImage(t, { umask: '002', zone: 'UTC' });
    const index = await read(one, 'image/index.json');
    assert.deepEqual(await read(other, 'image/index.json'), index);

    const blob = (digest: string) => read(one, 'image/blobs', digest.replace(':', '/'));
    const entry = (JSON.parse(String(index)) as { manifests: [Described] }).manifests[0];
    const manifest = JSON.parse(String(await blob(entry.digest))) as Manifest;
    for (const { digest, size } of [entry, manifest.config, ...manifest.layers]) {
      const bytes = await blob(digest);
      assert.deepEqual([sha256(bytes), bytes.length], [digest, size]);
    }
    const layers = await Promise.all(manifest.layers.map(async ({ digest }) => gunzipSync(await blob(digest))));
    const { config, rootfs } = JSON.parse(String(await blob(manifest.config.digest))) as Config;
    assert.deepEqual(rootfs.diff_ids, layers.map(sha256));
    const bytes = layers.reduce((sum, { length }) => sum + length, 0);
    assert.ok(bytes < BYTES_MAX, `${bytes} octets`);
    assert.equal(config.User, '65532:65532');
    // what `docker load`, `kind load image-archive` and `k3d image import` read
    const [docker] = JSON.parse(String(await read(one, 'image/manifest.json'))) as [
      { Config: string; Layers: string[] },
    ];
    assert.deepEqual(
      [docker.Config, ...docker.Layers],
      [manifest.config, ...manifest.layers].map(({ digest }) => `blobs/${digest.replace(':', '/')}`),
    );

    const [sbom, sameSbom] = await Promise.all([one, other].map(sbomOf));
    assert.equal(sameSbom, sbom);
    const { components } = JSON.parse(sbom ?? '') as { components: { name: string }[] };
    const names = new Set(components.map(({ name }) => name));
    for (const name of ['lmdb', 'zod', 'undici', `node-linux-${process.arch}`]) assert.ok(names.has(name), name);
    for (const name of ['esbuild', 'oxlint', 'fast-check']) assert.ok(!names.has(name), name);
  });

  test('has all that its program needs, and nobody but root may change it', async (t) => {
    if (!needsCommand(t, 'ldd') || !needsCommand(t, 'chroot')) return;
    const folder = await folderOf(t);
    await run('sh', ['-c', 'umask 000 && exec "$0" "$1" --root-fs "$2"', process.execPath, IMAGE, folder]);
    for (const name of await readdir(folder, { recursive: true })) {
      const { mode } = await stat(path.join(folder, name));
      assert.equal(mode & 0o022, 0, `${name} may be written to`);
    }
    assert.deepEqual(
      (await readdir(path.join(folder, 'usr/bin'))).toSorted(),
      ['node'],
      'no shell, nothing else to run',
    );

    await mkdir(path.join(folder, 'state'));
    const { Entrypoint } = readLastStage(String(await read(ROOT, 'Dockerfile')));
    const flags = [
      'relay',
      '--config',
      '/none',
      '--state',
      '/state',
      '--host',
      '127.0.0.1',
      '--ports',
      '0',
      '--http',
      '0',
    ];
    const inside = ['chroot', folder, ...Entrypoint, ...flags];
    const [program = '', ...args] = process.getuid?.() === 0 ? inside : ['unshare', '--map-root-user', ...inside];
    const relay = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env['PATH'] } });
    t.after(() => relay.kill('SIGKILL'));
    for await (const line of createInterface({ input: relay.stdout })) {
      if (line.includes('"event":"listening"')) return;
    }
    assert.fail('it ended');
  });

  test('keeps the Kubernetes client out of the process of a relay, and its library out of the operator in a pod', async (t) => {
    const metafile = await bundle(PROGRAMS, await folderOf(t));
    const packagesOf = (entryPoint: string) => {
      const files = [...loadedWith(metafile, entryPoint)];
      return new Set(files.map((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? ''));
    };
    const relay = ['operator/relays/process.ts', 'relay/alone.ts', 'relay/workers/parent.ts', PROGRAMS.worker];
    for (const name of ['@kubernetes/client-node', 'undici']) {
      for (const part of relay) assert.equal(packagesOf(part).has(name), false, `${name} in ${part}`);
    }
    const [operator, outside] = ['operator/main.ts', 'operator/kubernetes/client/kubeconfig.ts'].map(packagesOf);
    assert.equal(operator?.has('undici'), true, 'it is not looked for under the right name');
    assert.equal(operator.has('@kubernetes/client-node'), false);
    assert.equal(outside?.has('@kubernetes/client-node'), true, 'it is not looked for under the right name');
  });

  test('keeps parsers of mail and HTML, and the pages of a console, out of processes that somebody has to look at first', async (t) => {
    const metafile = await bundle(PROGRAMS, await folderOf(t));
    const loadedBy = (entryPoint: string, pattern: RegExp) =>
      [...loadedWith(metafile, entryPoint)].filter((file) => pattern.test(file));
    const parsers = /node_modules\/(?:postal-mime|sanitize-html|htmlparser2)\//;
    assert.notDeepEqual(loadedBy(PROGRAMS['mail-parser'], parsers), []);
    for (const part of ['operator/standalone.ts', 'operator/standalone/console-pages.ts', 'operator/main.ts'])
      assert.deepEqual(loadedBy(part, parsers), [], part);
    const pages = /operator\/console\/console\.ts|operator\/kubernetes\/console\/(?!when-on)/;
    assert.notDeepEqual(loadedBy('operator/kubernetes/console/console-page.ts', pages), []);
    for (const part of ['operator/standalone.ts', 'operator/main.ts'])
      assert.deepEqual(loadedBy(part, pages), [], part);
  });

  test('keeps what a worker is made of out of the process of its parent', async (t) => {
    const loaded = loadedWith(await bundle(PROGRAMS, await folderOf(t)), 'relay/workers/parent.ts');
    assert.ok(loaded.has('relay/workers/slot.ts'));
    // what is counted is written down by the parent, as files are written in a spool
    assert.deepEqual(
      [...loaded].filter((file) => /smtp-server|relay\/worker\.ts|relay\/spool\/(?!(?:disk|lock)\.ts)/.test(file)),
      [],
    );
  });
});

describe('the Dockerfile', () => {
  test('has one recipe for its last stage, and none of it is left out', async () => {
    const text = String(await read(ROOT, 'Dockerfile'));
    assert.match(text, /\nRUN npm run image -- --root-fs \/root-fs\n/);
    assert.throws(() => readLastStage(`${text}VOLUME /data\n`), /cannot read VOLUME/);
    const { Env } = readLastStage(text.replace(/^ENV .*$/m, 'ENV ONE=1 TWO=--two=2'));
    assert.deepEqual(Env, ['PATH=/usr/bin', 'ONE=1', 'TWO=--two=2']);
    assert.throws(() => readLastStage(text.replace('FROM scratch', 'FROM debian')), /empty image/);
    assert.throws(() => readLastStage(text.replace(/^USER .*\n/m, '')), /no USER/);
    assert.throws(() => readLastStage(text.replace('\nEXPOSE', '\nENV MORE=1\nEXPOSE')), /ENV twice/);
  });

  test('runs the Node that the lock has', async () => {
    const { version } = JSON.parse(String(await read(ROOT, 'tools/node24/package.json'))) as { version: string };
    assert.match(String(await read(ROOT, 'Dockerfile')), new RegExp(`^ARG NODE_VERSION=${version}$`, 'm'));
  });
});

function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

async function sbomOf(folder: string): Promise<string> {
  return readFile(await fileIn(folder, '.cdx.json'), 'utf8');
}

async function fileIn(folder: string, ending: string): Promise<string> {
  const name = (await readdir(folder)).find((one) => one.endsWith(ending));
  assert.ok(name !== undefined, `no ${ending} in the folder`);
  return path.join(folder, name);
}
