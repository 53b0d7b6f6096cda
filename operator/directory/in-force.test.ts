import assert from 'node:assert/strict';
import { readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { badObjects, badUpdates, type BadObject } from '../../test/operator/bad-objects.ts';
import { folderOf, writeFiles } from '../../test/support/folder.ts';
import { createFolderReader, mergeFiles } from '../manifests/read.ts';
import { createInForce } from './in-force.ts';
import { openLastGood } from './last-good.ts';

const PLAIN = { strict: false };

/** Reads a folder as the adapter does; `restart` forgets everything but what lies in the state folder. */
async function open(t: TestContext, files: Readonly<Record<string, string>>, options = PLAIN) {
  const [folder, state] = [await folderOf(t, files), await folderOf(t)];
  const begin = async () => ({
    read: createFolderReader(folder).read,
    judge: createInForce(await openLastGood(join(state, 'last-good')), options),
  });
  let run = await begin();
  return {
    folder,
    state,
    restart: async () => {
      run = await begin();
    },
    read: async () => {
      const { content, faults, faultsOf } = await run.judge(await run.read());
      const { manifests, problems, incomplete } = mergeFiles(content);
      const objects = manifests.map((manifest) => ({ manifest, faults: faultsOf(manifest) }));
      return { objects, faults, problems, incomplete };
    },
  };
}

type Opened = Awaited<ReturnType<typeof open>>;

async function specsOf({ read }: Opened): Promise<Readonly<Record<string, unknown>>> {
  const { objects } = await read();
  return Object.fromEntries(objects.map(({ manifest }) => [manifest.name, manifest.value['spec']]));
}

const user = (name: string, spec = '{active: true}', more = ''): string =>
  `apiVersion: smtpplus.io/v1alpha1\nkind: SmtpPlusUser\nmetadata:\n  name: ${name}\n  namespace: shop${more}\nspec: ${spec}\n`;

const GOOD = {
  SmtpPlusList: { description: 'as before' },
  SmtpPlusUser: { description: 'as before' },
  VerifiedSender: { domain: 'shop.example' },
} as const;

function textOf({ kind, metadata }: BadObject, spec: unknown): string {
  const { labels, annotations } = (metadata ?? {}) as Readonly<Record<string, unknown>>;
  const meta = { name: 'a', namespace: 'shop', labels, annotations };
  return JSON.stringify({ apiVersion: 'smtpplus.io/v1alpha1', kind, metadata: meta, spec });
}

describe('an object that an API server would refuse', () => {
  const slips = badObjects.filter(
    ({ name, server }) => name === undefined && !String(server).includes('unknown field'),
  );

  for (const bad of slips) {
    test(`stays as it was, over a restart too: a ${bad.kind} that ${bad.title}`, async (t) => {
      const good = textOf({ ...bad, metadata: {} }, GOOD[bad.kind]);
      const opened = await open(t, { 'a.json': good });
      assert.deepEqual(await specsOf(opened), { a: GOOD[bad.kind] });
      await writeFiles(opened.folder, { 'a.json': textOf(bad, bad.spec) });
      for (const turn of ['now', 'again', 'after a restart']) {
        if (turn === 'after a restart') await opened.restart();
        const { objects, faults } = await opened.read();
        assert.deepEqual(
          objects.map(({ manifest }) => manifest.value['spec']),
          [GOOD[bad.kind]],
          turn,
        );
        assert.equal(objects[0]?.faults?.effect, 'kept', turn);
        assert.match(objects[0].faults.message, bad.check);
        assert.match(objects[0].faults.message, /a\.json:1:\d+\).* Its last good version stays in force\.$/);
        assert.ok(
          faults.some(({ message }) => bad.check.test(message)),
          turn,
        );
      }
      await writeFiles(opened.folder, { 'a.json': good });
      assert.equal((await opened.read()).objects[0]?.faults, undefined);
    });
  }

  for (const bad of badUpdates) {
    test(`stays as it was: a ${bad.kind} that ${bad.title}`, async (t) => {
      const opened = await open(t, { 'a.json': textOf(bad, bad.before) });
      await opened.read();
      await writeFiles(opened.folder, { 'a.json': textOf(bad, bad.spec) });
      await opened.restart();
      const { objects } = await opened.read();
      assert.deepEqual(objects[0]?.manifest.value['spec'], bad.before);
      assert.match(objects[0]?.faults?.message ?? '', bad.check);
      // what was taken out and made again is another object
      await rm(join(opened.folder, 'a.json'));
      await opened.read();
      await writeFiles(opened.folder, { 'a.json': textOf(bad, bad.spec) });
      assert.equal((await opened.read()).objects[0]?.faults, undefined);
    });
  }

  test('has no effect where it has never been taken, and is said so', async (t) => {
    const opened = await open(t, { 'a.yaml': user('a', '{limits: {messageBytes: 10MB}}') });
    const { objects, faults } = await opened.read();
    // the core refuses it by itself
    assert.deepEqual(
      objects.map((one) => one.faults),
      [undefined],
    );
    assert.deepEqual(
      faults.map(({ effect }) => effect),
      ['refused'],
    );
    await writeFiles(opened.folder, { 'a.yaml': user('a', '{active: true}', '\n  annotations: {a: true}') });
    const annotated = await opened.read();
    assert.equal(annotated.objects[0]?.faults?.effect, 'refused');
    assert.match(annotated.objects[0].faults.message, /put its value in quotes/);
  });

  test('is found again in another file', async (t) => {
    const opened = await open(t, { 'a.yaml': user('a') });
    await opened.read();
    await rm(join(opened.folder, 'a.yaml'));
    await writeFiles(opened.folder, { 'b.yaml': user('a', '{active: "true"}') });
    assert.deepEqual(await specsOf(opened), { a: { active: true } });
    await opened.restart();
    assert.deepEqual(await specsOf(opened), { a: { active: true } });
  });

  test('may be a Secret: a password that is a number, or no base64', async (t) => {
    const secret = (data: string): string =>
      `apiVersion: v1\nkind: Secret\nmetadata: {name: mine, namespace: shop}\n${data}\n`;
    const opened = await open(t, { 'a.yaml': secret('stringData: {password: correct horse}') });
    await opened.read();
    for (const slip of ['stringData: {password: 123456}', 'data: {password: not base64!}', 'data: [a]']) {
      await writeFiles(opened.folder, { 'a.yaml': secret(slip) });
      const { objects, faults } = await opened.read();
      assert.deepEqual(objects[0]?.manifest.value['stringData'], { password: 'correct horse' }, slip);
      assert.ok(!JSON.stringify(faults).includes('123456'));
    }
    await writeFiles(opened.folder, { 'b.yaml': secret('data: {password: 7}').replace('mine', 'young') });
    assert.equal((await opened.read()).objects.length, 1, 'one that was never good is not there');
  });
});

describe('an object whose kind or name cannot be read', () => {
  const slips: readonly (readonly [what: string, from: string, to: string])[] = [
    ['its kind', 'SmtpPlusUser', 'SmtpPlusUsr'],
    ['its group', 'smtpplus.io', 'smtp-plus.io'],
    ['its version', 'v1alpha1', 'v1alpha'],
    ['its name', 'name: orders', 'name: Orders'],
    ['its namespace', 'namespace: shop', 'namespace: shop_'],
    ['its metadata', 'metadata:', 'metdata:'],
    ['an empty kind', 'kind: SmtpPlusUser', 'kind:'],
  ];
  for (const [what, from, to] of slips) {
    test(`stays as it was, over a restart too: ${what}`, async (t) => {
      const opened = await open(t, { 'a.yaml': user('orders') });
      await opened.read();
      await writeFiles(opened.folder, { 'a.yaml': user('orders', '{active: false}').replace(from, to) });
      for (const turn of ['now', 'after a restart']) {
        if (turn === 'after a restart') await opened.restart();
        const { objects, incomplete } = await opened.read();
        assert.deepEqual(
          objects.map(({ manifest }) => manifest.value['spec']),
          [{ active: true }],
          turn,
        );
        assert.equal(objects[0]?.faults?.effect, 'kept');
        assert.match(objects[0].faults.message, /\(.*a\.yaml:\d+:\d+\)\. Its last good version stays in force\.$/);
        assert.equal(incomplete, true);
      }
    });
  }

  test('keeps nobody else who was taken out of its file, where its name tells which one it is', async (t) => {
    const opened = await open(t, { 'a.yaml': `${user('a')}---\n${user('b')}` });
    await opened.read();
    await writeFiles(opened.folder, { 'a.yaml': user('a').replace('SmtpPlusUser', 'SmtpPlusUsr') });
    assert.deepEqual(Object.keys(await specsOf(opened)), ['a']);
  });
});

describe('a file that cannot be read', () => {
  for (const [what, text] of [
    ['no YAML', `${user('b')}x: [}\n`],
    ['empty', ''],
    ['no UTF-8', Buffer.from([0xff, 0xfe, 0x41])],
  ] as const) {
    test(`(${what}) keeps what it said, until it is mended or deleted`, async (t) => {
      const opened = await open(t, { 'a.yaml': user('a'), 'b.yaml': user('b') });
      await opened.read();
      await writeFile(join(opened.folder, 'b.yaml'), text);
      await writeFiles(opened.folder, { 'a.yaml': user('a2') });
      for (const turn of ['now', 'after a restart']) {
        if (turn === 'after a restart') await opened.restart();
        const { objects, incomplete } = await opened.read();
        assert.deepEqual(
          objects.map(({ manifest }) => manifest.name),
          ['a2', 'b'],
          turn,
        );
        assert.deepEqual(
          objects.map(({ faults }) => faults?.effect),
          [undefined, 'unread'],
          turn,
        );
        assert.equal(incomplete, true);
      }
      await writeFiles(opened.folder, { 'b.yaml': user('b2') });
      assert.deepEqual(Object.keys(await specsOf(opened)), ['a2', 'b2']);
      await rm(join(opened.folder, 'b.yaml'));
      const mended = await opened.read();
      assert.deepEqual([mended.objects.length, mended.problems.length], [1, 0]);
    });
  }

  test('that has always been empty is no problem', async (t) => {
    const { problems, incomplete } = await (await open(t, { 'a.yaml': '' })).read();
    assert.deepEqual([problems, incomplete], [[], false]);
  });

  test('keeps what was taken out of it out', async (t) => {
    const opened = await open(t, { 'a.yaml': user('a') });
    await opened.read();
    await writeFiles(opened.folder, { 'a.yaml': '# nobody\n' });
    await opened.read();
    await writeFiles(opened.folder, { 'a.yaml': 'a: [' });
    await opened.restart();
    assert.deepEqual(await specsOf(opened), {});
  });

  test('does not keep an object that another file has now', async (t) => {
    const opened = await open(t, { 'a.yaml': user('a'), 'b.yaml': '# nobody\n' });
    await opened.read();
    await writeFiles(opened.folder, { 'a.yaml': 'a: [', 'b.yaml': user('a', '{active: false}') });
    assert.deepEqual(await specsOf(opened), { a: { active: false } });
  });

  test('may be the whole folder: everything stays, over a restart too', async (t) => {
    const opened = await open(t, { 'a.yaml': user('a') });
    await opened.read();
    await rename(opened.folder, `${opened.folder}.away`);
    t.after(() => rm(`${opened.folder}.away`, { recursive: true, force: true }));
    await opened.restart();
    const gone = await opened.read();
    assert.deepEqual([gone.objects[0]?.manifest.name, gone.incomplete], ['a', true]);
  });
});

describe('a field that no kind has', () => {
  const files = { 'a.yaml': user('a', '\n  actve: true\n  limits: {messagesPerHuor: 1}') };

  test('is warned of with its place and what may be meant, and the rest is taken', async (t) => {
    const { objects, faults } = await (await open(t, files)).read();
    assert.deepEqual(
      faults.map(({ effect, message, source }) => [effect, message, source.line, source.column]),
      [
        ['warned', 'spec.actve is not a field of SmtpPlusUser; did you mean spec.active?', 7, 3],
        [
          'warned',
          'spec.limits.messagesPerHuor is not a field of SmtpPlusUser; did you mean spec.limits.messagesPerHour?',
          8,
          12,
        ],
      ],
    );
    assert.equal(objects[0]?.faults?.effect, 'warned');
    assert.match(objects[0].faults.message, /did you mean spec\.active\? \(.*a\.yaml:7:3\) spec\.limits/);
  });

  test('is refused with --strict: the object stays as it was, or is not there', async (t) => {
    const opened = await open(t, files, { strict: true });
    const first = await opened.read();
    assert.equal(first.objects[0]?.faults?.effect, 'refused');
    await writeFiles(opened.folder, { 'a.yaml': user('a') });
    await opened.read();
    await writeFiles(opened.folder, files);
    const { objects } = await opened.read();
    assert.deepEqual([objects[0]?.manifest.value['spec'], objects[0]?.faults?.effect], [{ active: true }, 'kept']);
  });
});

describe('what was taken last', () => {
  test('lies in files that only their owner can read, and is not written again where nothing has changed', async (t) => {
    const opened = await open(t, { 'a.yaml': user('a') });
    await opened.read();
    const folder = join(opened.state, 'last-good');
    const files = async () => Promise.all((await readdir(folder)).map((name) => stat(join(folder, name))));
    const [file, ...others] = await files();
    assert.deepEqual([(file?.mode ?? 0) & 0o777, others.length], [0o600, 0]);
    await opened.restart();
    await opened.read();
    assert.equal((await files())[0]?.ino, file?.ino);
  });

  test('is given up where it is damaged, and said so', async (t) => {
    const opened = await open(t, { 'a.yaml': user('a') });
    await opened.read();
    const folder = join(opened.state, 'last-good');
    const [name = ''] = await readdir(folder);
    await truncate(join(folder, name), 20);
    assert.deepEqual((await openLastGood(folder)).problems, [`${join(folder, name)} is damaged; it is made anew`]);
  });
});
