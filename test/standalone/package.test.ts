/**
 * The npm package as people get it: packed for real, unpacked next to nothing but its one native dependency, and run by
 * each Node on this machine. (`npm install` itself needs a registry, and is tried by hand before a release.)
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { renderCrds } from '../../operator/crds.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Native code can't be bundled: it is found in its own package. */
const INSTALLED = ['lmdb'];
const SERVER_NODE_MAJOR = 24;

const ENVELOPE = {
  id: '1',
  time: '2026-11-28T08:00:00.000Z',
  user: 'u',
  list: 'l',
  from: 'a@b.example',
  recipients: [],
};

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[], cwd: string): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

interface NodeProgram {
  readonly path: string;
  readonly version: string;
  readonly major: number;
}

/** This Node, and any other on PATH, such as the older one of the machine. */
async function nodesHere(): Promise<NodeProgram[]> {
  const candidates = [
    process.execPath,
    ...(process.env['PATH'] ?? '').split(delimiter).map((dir) => join(dir, 'node')),
  ];
  const nodes = new Map<string, NodeProgram>();
  for (const path of candidates) {
    const { code, stdout } = await run(path, ['--version'], ROOT);
    const version = stdout.trim();
    if (code === 0)
      nodes.set(version, { path: await realpath(path), version, major: Number(/^v(\d+)/.exec(version)?.[1]) });
  }
  return [...nodes.values()].filter(({ major }) => major >= 20);
}

const nodes = await nodesHere();

describe('the packed npm package', () => {
  let folder: string;
  const cli = (): string => join(folder, 'node_modules/smtp-plus/dist/cli.js');

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'smtp-plus-package-'));
    const packed = await run('npm', ['pack', '--silent', '--pack-destination', folder], ROOT);
    assert.equal(packed.code, 0, packed.stderr);
    const home = join(folder, 'node_modules/smtp-plus');
    await mkdir(home, { recursive: true });
    const tarball = packed.stdout.trim().split('\n').at(-1) ?? '';
    const unpacked = await run('tar', ['-xzf', join(folder, tarball), '-C', home, '--strip-components=1'], folder);
    assert.equal(unpacked.code, 0, unpacked.stderr);
    for (const name of INSTALLED) await symlink(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
    await cp(join(home, 'examples'), join(folder, 'manifests'), { recursive: true });
    await mkdir(join(folder, 'broken'));
    await writeFile(join(folder, 'broken/list.yaml'), 'apiVersion: smtpplus.io/v1alpha1\nkind: SmtpPlusList\n');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const { path, version, major } of nodes) {
    test(`checks manifests with Node ${version}`, async () => {
      const fine = await run(path, [cli(), 'check', 'manifests'], folder);
      assert.equal(fine.code, 0, fine.stdout + fine.stderr);
      assert.match(fine.stdout, /0 errors, 0 warnings/);
      for (const output of ['json', 'github', 'sarif']) {
        const { code, stderr } = await run(path, [cli(), 'check', 'broken', 'manifests', '--output', output], folder);
        assert.deepEqual([code, stderr], [1, '']);
      }
      assert.equal((await run(path, [cli(), 'check', 'missing'], folder)).code, 2);
    });

    test(`prints the CRDs with Node ${version}`, async () => {
      const { stdout } = await run(path, [cli(), 'crds'], folder);
      for (const { text } of renderCrds()) assert(stdout.includes(text));
    });

    if (major < SERVER_NODE_MAJOR) {
      test(`says in one line that servers need a later Node than ${version}`, async () => {
        for (const args of [['standalone', 'manifests'], ['operator'], ['relay', '--config', 'a', '--state', 'b']]) {
          const { code, stderr } = await run(path, [cli(), ...args], folder);
          assert.equal(code, 2);
          assert.match(
            stderr,
            /^error: this needs Node 24 or later, and this is Node [\d.]+; install it, or run the container image\n$/,
          );
        }
      });
    } else {
      test(`runs everything in one process with Node ${version}, and ends cleanly`, async () => {
        const outbox = join(folder, 'state/outbox');
        await mkdir(outbox, { recursive: true });
        await writeFile(join(outbox, '1.eml'), 'Content-Type: text/html\n\n<p>hello</p>');
        await writeFile(join(outbox, '1.json'), JSON.stringify(ENVELOPE));
        const args = [cli(), 'standalone', 'manifests', '--json', '--ports', '0', '--http', '0', '--state', 'state'];
        const child = spawn(path, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
        const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
        try {
          const events: unknown[] = [];
          let http: number | undefined;

          const lines = createInterface({ input: child.stdout });
          for await (const line of lines) {
            const said = JSON.parse(line) as { event?: string; http?: number };
            events.push(said.event);
            ({ http } = said);
            if (said.event === 'ready') break;
          }
          assert.equal(events.at(-1), 'ready', String(events));
          const frame = await fetch(`http://127.0.0.1:${http}/console/mail/o-1/frame.html`);
          assert.match(await frame.text(), /<p>hello<\/p>/);
        } finally {
          child.kill('SIGTERM');
        }
        assert.equal(await ended, 0);
      });

      test(`runs a relay of two workers with Node ${version}, and ends cleanly`, async () => {
        const ports = ['--host', '127.0.0.1', '--ports', '0', '--http', '0'];
        const args = [cli(), 'relay', '--config', 'none', '--state', 'relay', '--workers', '2', ...ports];
        const child = spawn(path, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
        const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
        const workers: unknown[] = [];
        let isListening = false;
        try {
          for await (const line of createInterface({ input: child.stdout })) {
            const { event, worker, pid } = JSON.parse(line) as { event?: string; worker?: number; pid?: number };
            if (event === 'worker' && pid !== undefined) workers.push(worker);
            // each worker writes lines of its own, which come in any order
            isListening ||= event === 'listening';
            if (isListening && workers.length === 2) break;
          }
        } finally {
          child.kill('SIGTERM');
        }
        assert.deepEqual(workers, [1, 2]);
        assert.equal(await ended, 0);
      });
    }
  }
});
