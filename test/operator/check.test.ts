/** The same bad objects that a real API server refuses (crds.test.ts): `check` must say no to each of them too. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { API_VERSION } from '../../operator/api/common.ts';
import { validate } from '../../operator/api/validate.ts';
import { runCheck } from '../../operator/check/check.ts';
import { badObjects, badUpdates } from './bad-objects.ts';

interface Found {
  readonly severity: string;
  readonly object: string;
  readonly message: string;
}

describe('what an API server refuses', () => {
  let folder: string;
  let findings: readonly Found[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'smtp-plus-check-'));
    const files = badObjects.map(({ kind, name, spec, metadata: more }, i) => {
      const metadata = { ...more, name: name ?? `bad-${i}`, namespace: 'shop' };
      return writeFile(join(folder, `${i}.yaml`), JSON.stringify({ apiVersion: API_VERSION, kind, metadata, spec }));
    });
    await Promise.all(files);
    let report = '';
    assert.equal(
      await runCheck([folder], { output: 'json', stdin: Readable.from([]), write: (text) => (report += text) }),
      1,
    );
    ({ findings } = JSON.parse(report) as { findings: Found[] });
  });
  after(() => rm(folder, { recursive: true }));

  for (const [i, bad] of badObjects.entries()) {
    test(`is found in a file: a ${bad.kind} that ${bad.title}`, () => {
      const object = `${bad.kind} shop/${bad.name ?? `bad-${i}`}`;
      const errors = findings.filter((one) => one.object === object && one.severity === 'error');
      const field = bad.field.replaceAll('[]', '');
      const about = errors
        .map(({ message }) => message.replaceAll(/\[\d+\]/g, ''))
        .filter((text) => bad.check.test(text));
      assert(about.length > 0, `no finding with these words: ${JSON.stringify(errors)}`);
      const last = field.split('.').at(-1) ?? field;
      assert(
        about.some((text) => text.includes(field) || text.includes(last)),
        `${field} is not named: ${about.join(' ')}`,
      );
    });
  }

  for (const bad of badUpdates) {
    test(`is refused by the operator too, where it knows the object: a ${bad.kind} that ${bad.title}`, () => {
      const meta = { name: 'a', namespace: 'shop' };
      const before = validate(bad.kind, meta, bad.before);
      assert(before.ok);
      const after = validate(bad.kind, meta, bad.spec, before.spec);
      assert(!after.ok);
      const problem = after.problems.find(({ path }) => path.join('.') === bad.field);
      assert.match(problem?.message ?? '', bad.check);
    });
  }
});
