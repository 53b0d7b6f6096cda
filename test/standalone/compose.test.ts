/** compose.yaml, as far as it can be tried without a container engine: what it runs, on this machine. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { readLastStage } from '../../tools/image/dockerfile.ts';
import { runCommand } from '../support/command.ts';
import { folderOf } from '../support/folder.ts';
import { runCli, type ReadyEvent } from '../support/standalone.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Service {
  readonly image: string;
  readonly user?: string;
  readonly command: readonly string[];
  readonly entrypoint: readonly string[];
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  readonly healthcheck: { readonly test: readonly string[] };
  readonly configs: readonly { readonly source: string; readonly target: string }[];
}

interface Compose {
  readonly services: Readonly<Record<'smtp-plus' | 'state', Service>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
}

test('compose.yaml starts a process that becomes healthy, with the flags, mounts and settings that it has', async (t) => {
  const { services, configs } = parse(await readFile(join(ROOT, 'compose.yaml'), 'utf8')) as Compose;
  const { 'smtp-plus': service, state: owner } = services;
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  assert.deepEqual([service.image, owner.image], [`smtp-plus:${version}`, `smtp-plus:${version}`]);
  for (const port of service.ports) assert.match(port, /^127\.0\.0\.1:(\d+):\1$/, 'published on this machine only');

  const folder = await folderOf(t, { 'settings.yaml': configs['settings']?.content ?? '' });
  const here: Record<string, string> = {
    '/manifests': join(ROOT, 'examples'),
    '/settings.yaml': join(folder, 'settings.yaml'),
    '/state': join(folder, 'state'),
    '0.0.0.0': '127.0.0.1',
  };
  assert.deepEqual(
    service.volumes.map((volume) => volume.split(':')[1]),
    ['/manifests', '/state'],
  );
  assert.deepEqual(service.configs, [{ source: 'settings', target: '/settings.yaml' }]);
  for (const path of ['/manifests', '/settings.yaml', '/state', '0.0.0.0'])
    assert.ok(service.command.includes(path), path);
  const words = service.command.map((word) => here[word] ?? word);
  const process = runCli(t, [...words, '--json', '--ports', '0', '--http', '0']);
  const ready = JSON.parse(await process.line('"event":"ready"')) as ReadyEvent;

  const { Entrypoint, User } = readLastStage(await readFile(join(ROOT, 'Dockerfile'), 'utf8'));
  const [kind, ...check] = service.healthcheck.test;
  assert.deepEqual([kind, check.slice(0, Entrypoint.length)], ['CMD', Entrypoint]);
  const health = await runCommand([...check.slice(Entrypoint.length), '--http', String(ready.http)]);
  assert.equal(health.code, 0, health.stdout + health.stderr);
  const page = await fetch(`http://localhost:${ready.http}/console/`);
  assert.equal(page.status, 200, 'the page that its first lines name');
  const users = await runCommand(['users', 'shop/orders', '--state', here['/state'] ?? '']);
  assert.match(users.stdout, / yes .* smtp-plus:\d+ /, 'other services reach it by its name');
  const mine = owner.entrypoint.at(-1) ?? '';
  assert.ok(mine.includes(User.split(':').join(', ')), 'the volume is given to the user of the image');
});
