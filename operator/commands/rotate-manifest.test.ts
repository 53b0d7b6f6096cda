/** Manifests as people write them, and what becomes of each. */
import assert from 'node:assert/strict';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { folderOf } from '../../test/support/folder.ts';
import { rotateInFolder } from './rotate-manifest.ts';
import { CommandError, type RotationWish } from './source.ts';

const USER = { namespace: 'shop', name: 'app' };
const HEAD = 'apiVersion: smtpplus.io/v1alpha1\nkind: SmtpPlusUser\nmetadata: {name: app, namespace: shop}\n';

async function rotated(
  t: TestContext,
  text: string,
  { file = 'a.yaml', ...wish }: Partial<RotationWish> & { file?: string } = {},
) {
  const manifests = await folderOf(t, { [file]: text });
  const state = await folderOf(t, { manifests: `${manifests}\n` });
  await chmod(join(manifests, file), 0o640);
  await rotateInFolder(state, USER, { trigger: 'now', ...wish });
  assert.equal((await stat(join(manifests, file))).mode & 0o777, 0o640);
  return readFile(join(manifests, file), 'utf8');
}

describe('the trigger in a manifest', () => {
  for (const [what, before, after] of [
    [
      'a block',
      `${HEAD}spec:\n  active: true\n`,
      `${HEAD}spec:\n  credentials:\n    rotation:\n      trigger: "now"\n  active: true\n`,
    ],
    [
      'braces',
      `${HEAD}spec: {active: true}\n`,
      `${HEAD}spec: {"credentials":{"rotation":{"trigger":"now"}}, active: true}\n`,
    ],
    ['empty braces', `${HEAD}spec: {}\n`, `${HEAD}spec: {"credentials":{"rotation":{"trigger":"now"}}}\n`],
    [
      'an older one',
      `${HEAD}spec:\n  credentials: {rotation: {trigger: 'x', interval: 720h}} # keep\n`,
      `${HEAD}spec:\n  credentials: {rotation: {trigger: "now", interval: 720h}} # keep\n`,
    ],
    [
      'other credentials',
      `${HEAD}spec:\n  credentials:\n    # mine\n    secretName: s\n`,
      `${HEAD}spec:\n  credentials:\n    # mine\n    rotation:\n      trigger: "now"\n    secretName: s\n`,
    ],
    ['lines of another system', `${HEAD}spec:\n  active: true\n`.replaceAll('\n', '\r\n'), undefined],
  ] as const) {
    test(`goes beside what is there: ${what}`, async (t) => {
      const text = await rotated(t, before);
      if (after === undefined) assert.match(text, /trigger: "now"/);
      else assert.equal(text, after);
    });
  }

  test('goes into JSON, and leaves it JSON', async (t) => {
    const manifest = {
      apiVersion: 'smtpplus.io/v1alpha1',
      kind: 'SmtpPlusUser',
      metadata: USER,
      spec: { active: true },
    };
    const text = await rotated(t, JSON.stringify(manifest, undefined, 2), { file: 'a.json', overlap: '0s' });
    const { spec } = JSON.parse(text) as { spec: object };
    assert.deepEqual(spec, { active: true, credentials: { rotation: { trigger: 'now', overlap: '0s' } } });
  });

  test('leaves every other document of the file as it was', async (t) => {
    const [first, last] = [
      '# one\na: &x {b: 1}\nc: *x\n',
      '---\n# three\nkind: SmtpPlusUser\nmetadata: {name: app, namespace: other}\n',
    ];
    const text = await rotated(t, `${first}---\n${HEAD}spec:\n  active: true\n${last}`);
    assert.ok(text.startsWith(first) && text.endsWith(last), text);
    assert.match(text, /trigger: "now"/);
  });

  for (const [what, text] of [
    ['is in a List', `kind: List\nitems:\n  - {kind: SmtpPlusUser, metadata: {name: app, namespace: shop}}\n`],
    ['has an alias in its place', `x: &r {}\n${HEAD}spec:\n  credentials: {rotation: *r}\n`],
    ['is not there', 'a: 1\n'],
    ['cannot be read', `${HEAD}spec: {\n`],
  ] as const) {
    test(`is left to people where the user ${what}, and nothing is written`, async (t) => {
      const manifests = await folderOf(t, { 'a.yaml': text });
      const state = await folderOf(t, { manifests });
      await assert.rejects(rotateInFolder(state, USER, { trigger: 'now' }), (error) => {
        assert.ok(error instanceof CommandError);
        assert.match(error.message, /set spec\.credentials\.rotation\.trigger: "now" yourself$/);
        return true;
      });
      assert.equal(await readFile(join(manifests, 'a.yaml'), 'utf8'), text);
    });
  }

  test('needs to know the folder of manifests', async (t) => {
    const state = await folderOf(t);
    await assert.rejects(
      rotateInFolder(state, USER, { trigger: 'now' }),
      /does not say which folder of manifests it belongs to/,
    );
    await writeFile(join(state, 'manifests'), '/nowhere\n');
    await assert.rejects(
      rotateInFolder(state, USER, { trigger: 'now' }),
      /\/nowhere cannot be read: no such file or folder/,
    );
  });
});
