import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { z } from 'zod';
import { loadSettings } from './settings-file.ts';
import { parsePorts, settingsSchema } from './settings.ts';

async function problemsOf(t: TestContext, text: string): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'smtp-plus-settings-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 's.yaml');
  await writeFile(file, text);
  const result = await loadSettings(file);
  return result.ok ? [] : result.problems.map((problem) => problem.replace(`${folder}/`, ''));
}

/** Names of all settings, however deep. */
function namesIn(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) =>
    key === 'properties'
      ? Object.entries(value as object).flatMap(([name, inner]) => [name].concat(namesIn(inner)))
      : namesIn(value),
  );
}

describe('the settings file', () => {
  test('in examples/ shows each setting', async () => {
    const text = await readFile('examples/settings.yaml', 'utf8');
    const names = new Set(namesIn(z.toJSONSchema(settingsSchema, { io: 'input' })));
    assert.ok(names.size > 40);
    assert.deepEqual(
      [...names].filter((name) => !new RegExp(`^[ #]*(capture: true|${name}:)`, 'm').test(text)),
      [],
    );
    assert.equal((await loadSettings('examples/settings.yaml')).ok, true);
  });

  test('with faults gets a line for each, with its place', async (t) => {
    assert.deepEqual(await problemsOf(t, 'hots: x\n'), ['s.yaml:1:1 hots: no such setting']);
    assert.deepEqual(await problemsOf(t, '# x\nclasses:\n  default:\n    upstream: {host: x, prot: 25}\n'), [
      's.yaml:4:25 classes.default.upstream.prot: no such setting',
    ]);
    assert.match((await problemsOf(t, 'ports: 9-1\n')).join(), /^s.yaml:1:1 ports: must be ports/);
    assert.match((await problemsOf(t, 'relayClass: blue\n')).join(), /^s.yaml:1:1 relayClass: must be one of/);
    assert.match((await problemsOf(t, 'a: [\n')).join(), /^s.yaml:2:1 /);
    assert.match((await problemsOf(t, 'classes: {default: {existingSenders: [{shop: nonsense}]}}')).join(), /domain/);
    assert.deepEqual(await problemsOf(t, ''), []);
  });

  test('yields to flags, and a bad flag is named as a flag', async () => {
    const good = await loadSettings('examples/settings.yaml', { ports: '2600', host: undefined });
    assert.ok(good.ok);
    assert.equal(good.settings.ports, '2600');
    assert.equal(good.settings.host, '127.0.0.1');
    const bad = await loadSettings('examples/settings.yaml', { implicitTlsPorts: 'x' });
    assert.ok(!bad.ok);
    assert.match(bad.problems.join(), /^--implicit-tls-ports: must be ports/);
  });
});

describe('a list of ports', () => {
  test('is numbers and ranges, each port once, in order', () => {
    assert.deepEqual(parsePorts('2525, 1025-1027,1026'), [2525, 1025, 1026, 1027]);
    assert.deepEqual(parsePorts(''), []);
    assert.equal(parsePorts('1025-5000')?.length, 3976);
    for (const text of ['x', '1-', '5-1', '70000', '1,,2', '-1']) assert.equal(parsePorts(text), undefined, text);
  });
});
