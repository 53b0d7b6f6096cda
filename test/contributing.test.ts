/** What CONTRIBUTING.md names is there: whoever comes to the code by it must not look for a file or a function in vain. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

const ROOT = path.join(import.meta.dirname, '..');
const TEXT = readFileSync(path.join(ROOT, 'CONTRIBUTING.md'), 'utf8');
const FILES = globSync('{operator,relay,test,tools}/**/*.ts', { cwd: ROOT });
/** Folders that paths may begin in. */
const BASES = ['', 'operator', 'relay'];

function fileAt(name: string): string | undefined {
  return BASES.map((base) => path.join(base, name)).find((file) => existsSync(path.join(ROOT, file)));
}

/** The tree of "Where things are": each name with the folder that its line is in. */
function* namesInTree(): Generator<{ readonly folder: string; readonly name: string; readonly isMentioned: boolean }> {
  const tree = /^```\n(operator\/\n.*?)^```$/ms.exec(TEXT)?.[1] ?? assert.fail('there is no tree');
  const folders: string[] = [];
  for (const line of tree.trimEnd().split('\n')) {
    const [, indent = '', names = '', words = ''] = /^( *)(\S+(?: \S+\/)*) *(.*)$/.exec(line) ?? [];
    folders.length = indent.length / 2;
    const folder = folders.join('');
    for (const name of names.split(' ')) yield { folder, name, isMentioned: false };
    // of a folder, what is mentioned is in it
    const within = names.endsWith('/') ? folder + names : folder;
    for (const [name] of words.matchAll(/\b[\w-]+\.ts\b/g)) yield { folder: within, name, isMentioned: true };
    folders.push(names);
  }
}

describe('CONTRIBUTING.md', () => {
  test('draws a tree of files and folders that are there, each once', () => {
    const seen = new Set<string>();
    for (const { folder, name, isMentioned } of namesInTree()) {
      const place = folder + name;
      assert.ok(globSync(place, { cwd: ROOT }).length > 0, `there is no ${place}`);
      assert.ok(isMentioned || !seen.has(place), `${place} is there twice`);
      seen.add(place);
    }
    assert.ok(seen.size > 30, `only ${seen.size} names`);
  });

  test('names functions that are in the files beside them', () => {
    const steps = [...TEXT.matchAll(/`([\w./-]+\.ts)`\s+\(((?:`\w+`(?:,\s+)?)+)\)/g)];
    for (const [, name = '', functions = ''] of steps) {
      const source = readFileSync(path.join(ROOT, fileAt(name) ?? assert.fail(`there is no ${name}`)), 'utf8');
      for (const [, one = ''] of functions.matchAll(/`(\w+)`/g)) {
        const form = new RegExp(`function\\*? ${one}\\b|const ${one} =|^  (?:async )?${one}\\(`, 'm');
        assert.ok(form.test(source), `${name} has no ${one}`);
      }
    }
    assert.ok(steps.length > 12, `only ${steps.length} steps`);
  });

  test('leads a message from its octets to the spool through twelve files at most', () => {
    const [, section = ''] = /^### From the octets of a message to the spool\n(.*?)^##/ms.exec(TEXT) ?? [];
    const files = new Set([...section.matchAll(/`([\w./-]+\.ts)`/g)].map(([, name]) => name));
    assert.ok(files.size > 8 && files.size <= 12, `${files.size} files`);
  });

  test('names files that are there', () => {
    const names = [...TEXT.matchAll(/`([\w./-]+\.ts)`/g)].map(([, name = '']) => name);
    const missing = names.filter(
      (name) => fileAt(name) === undefined && !FILES.some((file) => path.basename(file) === name),
    );
    assert.deepEqual([...new Set(missing)], []);
    assert.ok(names.length > 20, `only ${names.length} names`);
  });
});

test('comments name files that are there', () => {
  const names = new Set(FILES.map((file) => path.basename(file)));
  const missing = FILES.flatMap((file) => {
    const comments = readFileSync(path.join(ROOT, file), 'utf8').match(/(?<=^\s*)(\/\/|\/\*\*|\*) .*$/gm) ?? [];
    const named = comments.flatMap((line) => [...line.matchAll(/\b[\w-]+(?:\.test)?\.ts\b/g)].map(([name]) => name));
    return named.filter((name) => !names.has(name)).map((name) => `${file}: ${name}`);
  });
  assert.deepEqual(missing, []);
});
