/** A reader who follows a link of the guide gets to what it names: the file, and in it the heading. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

const ROOT = path.join(import.meta.dirname, '..');
const PAGES = globSync(['*.md', 'docs/**/*.md', 'charts/**/*.md'], { cwd: ROOT });

/** What Markdown reads as text: no fenced blocks, in which `#` begins a comment, and no code. */
function prose(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8').replaceAll(/^( *)```.*?^\1```$/gms, '');
}

/** The anchors that GitHub gives to the headings of a page: a second one of the same words is numbered. */
function anchorsOf(file: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const anchors = [...prose(file).matchAll(/^#{1,6} (.*)$/gm)].map(([, heading = '']) => {
    const words = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-');
    const before = seen.get(words) ?? 0;
    seen.set(words, before + 1);
    return before === 0 ? words : `${words}-${before}`;
  });
  return new Set(anchors);
}

/** Targets of the links and pictures of a page, those to other sites left out. */
function linksOf(file: string): string[] {
  const targets = [...prose(file).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

function whatIsWrong(page: string, link: string): string | undefined {
  const [name = '', anchor] = link.split('#');
  const file = name === '' ? page : path.join(path.dirname(page), name);
  if (!existsSync(path.join(ROOT, file))) return `${page}: there is no ${file} (${link})`;
  if (anchor === undefined || anchorsOf(file).has(anchor)) return undefined;
  return `${page}: ${file} has no heading for #${anchor}`;
}

describe('the guide', () => {
  for (const page of PAGES)
    test(`${page} links to files and headings that are there`, () => {
      const broken = linksOf(page).flatMap((link) => whatIsWrong(page, link) ?? []);
      assert.deepEqual(broken, []);
    });

  test('has each page of docs/ linked from the README or from a page that it links to', () => {
    const reached = new Set(['README.md']);
    for (const page of reached)
      for (const link of linksOf(page)) {
        const file = path.join(path.dirname(page), link.split('#')[0] ?? '');
        if (file.endsWith('.md')) reached.add(file);
      }
    assert.deepEqual(
      PAGES.filter((page) => page.startsWith('docs/') && !reached.has(page)),
      [],
    );
    assert.ok(reached.size > 12, `only ${reached.size} pages`);
  });

  test('names commands of package.json, and tests, that are there', () => {
    const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
    const tests = globSync('{operator,relay,test}/**/*.test.ts', { cwd: ROOT });
    const isThere = (name: string) => tests.some((file) => path.matchesGlob(`/${file}`, `/**/${name}`));
    for (const page of PAGES.filter((file) => file !== 'CHANGELOG.md')) {
      const text = readFileSync(path.join(ROOT, page), 'utf8');
      const commands = [...text.matchAll(/\bnpm run (?:--silent )?([a-z][\w:-]*)/g)].map(([, name = '']) => name);
      const files = [...text.matchAll(/`([\w./*-]+\.test\.ts)`/g)].map(([, name = '']) => name);
      assert.deepEqual(
        [...commands.filter((name) => !(name in scripts)), ...files.filter((name) => !isThere(name))],
        [],
        page,
      );
    }
  });
});
