import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { createVerifiers, goldenIssuer } from '../../test/support/golden/passwords.ts';
import { readGolden } from '../../test/support/golden/read.ts';
import { writeGolden } from '../../test/support/golden/write.ts';
import { plan } from './plan.ts';

const FOLDER = new URL('testdata/', import.meta.url);
const INPUT = '.in.yaml';
/** `UPDATE_GOLDEN=1 node --test operator/core/plan.test.ts` writes what the plan is now; read the difference. */
const UPDATES = process.env['UPDATE_GOLDEN'] === '1';

describe('the plan, as testdata/ has it', () => {
  const names = readdirSync(FOLDER)
    .filter((name) => name.endsWith(INPUT))
    .map((name) => name.slice(0, -INPUT.length));

  for (const name of names) {
    test(name.replaceAll('-', ' '), () => {
      const verifiers = createVerifiers();
      const { snapshot, now } = readGolden(readFileSync(new URL(`${name}${INPUT}`, FOLDER), 'utf8'), verifiers);
      const written = writeGolden(plan(snapshot, now, goldenIssuer({ now }, verifiers.of)), verifiers);
      const output = new URL(`${name}.out.yaml`, FOLDER);
      if (UPDATES) writeFileSync(output, written);
      assert.equal(written, readFileSync(output, 'utf8'));
    });
  }

  test('has a pair of files for each behaviour', () => {
    assert.ok(names.length >= 30, `only ${names.length} inputs`);
    const outputs = readdirSync(FOLDER).filter((name) => name.endsWith('.out.yaml'));
    assert.deepEqual(outputs.sort(), names.map((name) => `${name}.out.yaml`).sort());
  });
});
