/**
 * What `check` says of a folder, and what `npm start` says of the same one, over everything that the tests know to be
 * wrong: the same words at the same places, and an object that `check` lets pass is one that a start takes.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { API_VERSION } from '../../operator/api/common.ts';
import { runCheck } from '../../operator/check/check.ts';
import { standaloneSettings } from '../../operator/standalone/options.ts';
import { startAdapter } from '../support/directory.ts';
import { folderOf } from '../support/folder.ts';
import { badObjects } from './bad-objects.ts';
import { badFolders } from './bad-folders.ts';

/** Objects in one folder. */
const PART = 40;

interface Finding {
  readonly severity: string;
  readonly rule: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly object?: string;
  readonly message: string;
}

/** `PLACE WORDS` of what one manifest says of itself; the words of a file that cannot be read end in a mend in `check`. */
interface Said {
  readonly bySelf: readonly string[];
  /** `KIND NAMESPACE/NAME REASON` of objects that cannot have what they ask of others. */
  readonly byOthers: readonly string[];
}

async function checked(folder: string): Promise<Said> {
  let report = '';
  await runCheck([folder], { output: 'json', stdin: Readable.from([]), write: (text) => (report += text) });
  const { findings } = JSON.parse(report) as { findings: readonly Finding[] };
  const isReason = ({ rule }: Finding): boolean => /^[A-Z]/.test(rule);
  const own = findings.filter((one) => !isReason(one) && one.rule !== 'nothing-found');
  return {
    bySelf: own.map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`).toSorted(),
    byOthers: findings
      .filter(isReason)
      .map(({ object, rule }) => `${object} ${rule}`)
      .toSorted(),
  };
}

async function started(t: Pick<TestContext, 'after'>, folder: string): Promise<Said> {
  const loaded = await standaloneSettings({ folder });
  if (!loaded.ok) return { bySelf: loaded.problems.toSorted(), byOthers: [] };
  const state = await folderOf(t);
  const { lines, close } = await startAdapter(t, folder, state, {
    settings: loaded.settings,
    ignore: Object.values(loaded.files),
  });
  await close();
  const events = lines.map((line) => JSON.parse(line) as Record<string, string>);
  return {
    bySelf: events
      .filter(({ event, place }) => event === 'manifest' && place !== undefined)
      .map(({ place, problem }) => `${place} ${problem}`)
      .toSorted(),
    byOthers: events
      .filter(({ event, reason }) => event === 'object' && REFERENCES.has(reason ?? ''))
      .map(({ kind, object, reason }) => `${kind} ${object} ${reason}`)
      .toSorted(),
  };
}

/** Reasons of what one object asks of another: whether a sender is verified, manifests cannot tell. */
const REFERENCES: ReadonlySet<string> = new Set([
  'ListNotFound',
  'NamespaceNotAllowed',
  'RelayClassNotFound',
  'RelayClassNotAllowed',
  'ClassFloor',
  'ListCeiling',
  'NotTheDefault',
  'UsernameNotAllowed',
  'UsernameTaken',
  'SecretNotOwned',
  'PasswordUnacceptable',
  'KeyNotFound',
]);

/** A start says why it does not take a file, and leaves the mend to whoever reads on. */
function matches(inCheck: string, atStart: string): boolean {
  return inCheck === atStart || inCheck.startsWith(`${atStart}; `) || inCheck === `${atStart}.`;
}

function assertAgreement(inCheck: Said, atStart: Said): void {
  assert.equal(
    inCheck.bySelf.length === atStart.bySelf.length &&
      inCheck.bySelf.every((said, index) => matches(said, atStart.bySelf[index] ?? '')),
    true,
    `check:\n${inCheck.bySelf.join('\n')}\nstart:\n${atStart.bySelf.join('\n')}`,
  );
  assert.deepEqual(inCheck.byOthers, atStart.byOthers);
}

describe('check and a start say the same', () => {
  describe('of each object that an API server refuses', () => {
    const said = { check: [] as string[], start: [] as string[] };
    const ends: (() => unknown)[] = [];
    before(async () => {
      const t = { after: (end: () => unknown) => void ends.unshift(end) } as Pick<TestContext, 'after'>;
      // a start logs the first hundred faults
      for (let first = 0; first < badObjects.length; first += PART) {
        const part = badObjects.slice(first, first + PART).map(({ kind, name, spec, metadata: more }, i) => {
          const metadata = { ...more, name: name ?? `bad-${i}`, namespace: 'shop' };
          return [`${first + i}.json`, JSON.stringify({ apiVersion: API_VERSION, kind, metadata, spec })] as const;
        });
        const folder = await folderOf(t, Object.fromEntries(part));
        const relative = ({ bySelf }: Said) => bySelf.map((line) => line.replace(`${folder}/`, ''));
        said.check.push(...relative(await checked(folder)));
        said.start.push(...relative(await started(t, folder)));
      }
    });
    after(async () => {
      for (const end of ends) await end();
    });

    for (const [i, bad] of badObjects.entries()) {
      test(`a ${bad.kind} that ${bad.title}`, () => {
        const of = (lines: readonly string[]) => lines.filter((line) => line.startsWith(`${i}.json:`));
        assert.ok(of(said.check).length > 0, 'check says something');
        assertAgreement({ bySelf: of(said.check), byOthers: [] }, { bySelf: of(said.start), byOthers: [] });
      });
    }
  });

  for (const { title, files, isFine = false } of badFolders) {
    test(`of a folder ${title}`, async (t) => {
      const folder = await folderOf(t, files);
      const [inCheck, atStart] = [await checked(folder), await started(t, folder)];
      assertAgreement(inCheck, atStart);
      assert.equal(inCheck.bySelf.length + inCheck.byOthers.length === 0, isFine, 'there is something to say');
    });
  }

  test('of the examples, which are fine', async (t) => {
    const examples = join(import.meta.dirname, '../../examples');
    assert.deepEqual(await checked(examples), { bySelf: [], byOthers: [] });
    assert.deepEqual(await started(t, examples), { bySelf: [], byOthers: [] });
  });
});
