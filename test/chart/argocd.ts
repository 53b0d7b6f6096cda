/** The health checks for Argo CD, by the Lua that is in it, on the statuses that the golden files have. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';
import type { Condition } from '../../operator/api/common.ts';
import { kindNames } from '../../operator/api/kinds.ts';
import { reasons, type ConditionReason } from '../../operator/core/reasons.ts';
import { folderOf } from '../support/folder.ts';
import { writeFile } from 'node:fs/promises';
import { programOf } from './prometheus.ts';
import { ROOT } from './helm.ts';

interface KindObject {
  readonly kind: string;
  readonly metadata: { readonly namespace: string; readonly name: string; readonly generation: number };
  readonly status?: { readonly observedGeneration: number; readonly conditions: readonly Condition[] };
}

interface Health {
  readonly status: string;
  readonly message: string;
}

const HEALTH = { Current: 'Healthy', InProgress: 'Progressing', Failed: 'Degraded' } as const;
const KEY = 'resource.customizations.health.smtpplus.io_';

const { data: checks } = parse(readFileSync(path.join(ROOT, 'gitops/argocd/argocd-cm.yaml'), 'utf8')) as {
  data: Record<string, string>;
};

/** As Argo CD has them: the object in `obj`, and what the script returns. */
async function healthOf(folder: string, objects: readonly KindObject[]): Promise<readonly Health[]> {
  const program = path.join(folder, 'checks.lua');
  const calls = objects.map(
    (object) => `do\n  local health = (function(obj)\n${checks[KEY + object.kind] ?? 'nothing'}\nend)(${lua(object)})
  print(health.status)\n  print((string.gsub(health.message, "\\n", " ")))\nend`,
  );
  await writeFile(program, calls.join('\n'));
  const { stdout } = await promisify(execFile)(programOf('GLUA'), [program], { maxBuffer: 64 * 1024 * 1024 });
  const lines = stdout.trimEnd().split('\n');
  return objects.map((_, i) => ({ status: lines[2 * i] ?? '', message: lines[2 * i + 1] ?? '' }));
}

function lua(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(lua).join(', ')}}`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([key, inner]) => `[${lua(key)}] = ${lua(inner)}`)
      .join(', ')}}`;
  }
  if (typeof value !== 'string') return String(value);
  return `"${value.replaceAll(/[^\x20-\x7e]|["\\]/gu, (character) => [...Buffer.from(character)].map((octet) => `\\${String(octet).padStart(3, '0')}`).join(''))}"`;
}

function goldenObjects(): readonly KindObject[] {
  const folder = path.join(ROOT, 'operator/core/testdata');
  return globSync('*.out.yaml', { cwd: folder })
    .flatMap((name) => parseAllDocuments(readFileSync(path.join(folder, name), 'utf8')))
    .map((document) => document.toJS() as KindObject | null)
    .flatMap((object) => {
      if (object?.status === undefined || !(kindNames as readonly string[]).includes(object.kind)) return [];
      const { observedGeneration: generation } = object.status;
      return [{ ...object, metadata: { ...object.metadata, generation } }];
    });
}

describe('Argo CD', () => {
  test('has a check for each kind, and no other', () => {
    assert.deepEqual(Object.keys(checks).toSorted(), kindNames.map((kind) => KEY + kind).toSorted());
  });

  test('takes each object for what its conditions say, as kstatus does', async (t) => {
    const objects = goldenObjects();
    const healths = await healthOf(await folderOf(t), objects);
    const seen = new Set<string>();
    for (const [i, { metadata, status }] of objects.entries()) {
      const ready = status?.conditions.find(({ type }) => type === 'Ready');
      const name = `${metadata.namespace}/${metadata.name}: ${ready?.reason}`;
      const expected =
        ready?.status === 'True' ? 'Healthy' : HEALTH[reasons[ready?.reason as ConditionReason].progress];
      assert.equal(healths[i]?.status, expected, name);
      assert.equal(healths[i]?.message, ready?.message.replaceAll('\n', ' '), name);
      seen.add(expected);
    }
    assert.ok(objects.length > 200, `${objects.length} objects`);
    assert.deepEqual([...seen].toSorted(), ['Degraded', 'Healthy', 'Progressing']);
  });

  test('waits for the operator where an object is new, or has changed since', async (t) => {
    const [object] = goldenObjects();
    assert.ok(object?.status !== undefined);
    const { status, ...fresh } = object;
    const changed = { ...object, metadata: { ...object.metadata, generation: status.observedGeneration + 1 } };
    const empty = { ...object, status: { ...status, conditions: [] } };
    const healths = await healthOf(await folderOf(t), [fresh, changed, empty]);
    assert.deepEqual(
      healths.map((health) => health.status),
      ['Progressing', 'Progressing', 'Progressing'],
    );
  });
});
