/** How the tests come by etcd and kube-apiserver, tried on a server of our own: nothing here leaves the machine. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { readdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { findBinaries } from './control-plane/binaries.ts';
import { progressOf } from './control-plane/go-build.ts';
import { fetchArchive, officialArchive } from './control-plane/official.ts';
import { prepareControlPlane } from './control-plane/prepare.ts';
import { folderOf } from './folder.ts';

const SOON = { answerMs: 300, silenceMs: 300 };

/** An archive as controller-tools publish it. */
async function archiveOf(t: TestContext): Promise<{ readonly bytes: Buffer; readonly checksum: string }> {
  const names = ['etcd', 'kube-apiserver', 'kubectl'];
  const folder = await folderOf(t, Object.fromEntries(names.map((name) => [`controller-tools/envtest/${name}`, name])));
  const bytes = execFileSync('tar', ['-czf', '-', '-C', folder, 'controller-tools']);
  return { bytes, checksum: createHash('sha512').update(bytes).digest('hex') };
}

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/envtest.tar.gz`;
}

describe('the official archive', () => {
  test('is unpacked where its checksum is the pinned one', async (t) => {
    const { bytes, checksum } = await archiveOf(t);
    const url = await serve(t, (_, response) => response.end(bytes));
    const target = join(await folderOf(t), 'official');
    await fetchArchive({ url, checksum }, target);
    assert.deepEqual((await readdir(target)).sort(), ['etcd', 'kube-apiserver', 'kubectl']);
    assert.equal(readFileSync(join(target, 'etcd'), 'utf8'), 'etcd');
  });

  test('is not unpacked where somebody else has made it', async (t) => {
    const { bytes } = await archiveOf(t);
    const { checksum } = await archiveOf(t).then(({ checksum: right }) => ({ checksum: `0${right.slice(1)}` }));
    const url = await serve(t, (_, response) => response.end(bytes));
    const cache = await folderOf(t);
    await assert.rejects(fetchArchive({ url, checksum }, join(cache, 'official')), /checksum is not the pinned one/);
    assert.deepEqual(await readdir(cache), []);
  });

  const troubles: readonly (readonly [title: string, listener: RequestListener, words: RegExp])[] = [
    ['says that it does not have it', (_, response) => response.writeHead(404).end(), /the server says 404/],
    ['does not answer', () => undefined, /no answer in time/],
    ['stops in the middle', (_, response) => void response.writeHead(200).write('a part'), /no answer in time/],
    ['hangs up', (request) => void request.socket.destroy(), /./],
  ];
  for (const [title, listener, words] of troubles) {
    test(`is given up soon where the server ${title}`, async (t) => {
      const url = await serve(t, listener);
      const cache = await folderOf(t);
      await assert.rejects(fetchArchive({ url, checksum: '' }, join(cache, 'official'), SOON), words);
      assert.deepEqual(await readdir(cache), []);
    });
  }

  test('has a checksum for each machine that Node 24 comes along for', () => {
    if (process.platform !== 'linux') return;
    const { url = '', checksum } = officialArchive() ?? {};
    assert.match(url, /^https:\/\/github\.com\/kubernetes-sigs\/controller-tools\/releases\/download\/envtest-v1\./);
    assert.match(checksum ?? '', /^[0-9a-f]{128}$/);
  });
});

describe('a fresh machine', () => {
  const before_ = { cache: process.env['XDG_CACHE_HOME'], assets: process.env['KUBEBUILDER_ASSETS'] };
  const set = (name: string, value: string | undefined): void => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  before(() => set('KUBEBUILDER_ASSETS', undefined));
  after(() => {
    set('KUBEBUILDER_ASSETS', before_.assets);
    set('XDG_CACHE_HOME', before_.cache);
  });

  test('gets the official binaries, and has them from then on', async (t) => {
    set('XDG_CACHE_HOME', await folderOf(t));
    const { bytes, checksum } = await archiveOf(t);
    let requests = 0;
    const url = await serve(t, (_, response) => {
      requests += 1;
      response.end(bytes);
    });
    const build = () => assert.fail('there is nothing to build');
    for (let turn = 0; turn < 2; turn += 1)
      await prepareControlPlane({ say: () => undefined, archive: { url, checksum }, build });
    assert.equal(requests, 1);
    assert.match(findBinaries()?.apiServer ?? '', /kube-apiserver$/);
  });

  test('builds them where they cannot be had, and says why', async (t) => {
    set('XDG_CACHE_HOME', await folderOf(t));
    const url = await serve(t, (_, response) => response.writeHead(403).end());
    const said: string[] = [];
    let built = 0;
    const build = async () => void (built += 1);
    await prepareControlPlane({
      say: (line) => void said.push(line),
      archive: { url, checksum: '' },
      canBuild: () => true,
      build,
    });
    assert.equal(built, 1);
    assert.match(said.join('\n'), /^fetching .*\nthat failed \(the server says 403\)$/);
  });

  test('says that tests are skipped where it cannot build either', async (t) => {
    set('XDG_CACHE_HOME', await folderOf(t));
    const url = await serve(t, (_, response) => response.writeHead(403).end());
    const said: string[] = [];
    await prepareControlPlane({
      say: (line) => void said.push(line),
      archive: { url, checksum: '' },
      canBuild: () => false,
    });
    assert.match(said.at(-1) ?? '', /SKIPPED/);
  });
});

test('a build says now and then how much is done, and how long the rest takes', () => {
  const said: string[] = [];
  let time = 0;
  const onPackage = progressOf(
    'kubernetes',
    1000,
    (line) => void said.push(line),
    () => time,
  );
  for (let done = 0; done < 500; done += 1) {
    time += 300;
    onPackage();
  }
  assert.deepEqual(said, [
    'building kubernetes: 1000 packages ...',
    'building kubernetes: 100 of 1000 packages, about 5 min left',
    'building kubernetes: 200 of 1000 packages, about 4 min left',
    'building kubernetes: 300 of 1000 packages, about 4 min left',
    'building kubernetes: 400 of 1000 packages, about 3 min left',
    'building kubernetes: 500 of 1000 packages, about 3 min left',
  ]);
});
