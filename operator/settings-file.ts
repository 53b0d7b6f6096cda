import { readFile } from 'node:fs/promises';
import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { sentenceOf } from './api/sentence.ts';
import { syntaxMessage, toPlain } from './manifests/plain.ts';
import { offsetOf } from './manifests/positions.ts';
import type { Path } from './manifests/positions.ts';
import { inWords } from './manifests/walk.ts';
import { settingsSchema } from './settings.ts';
import type { Settings } from './settings.ts';

/** The settings, or one line for each thing that is wrong: `FILE:LINE:COLUMN setting: what it must be`. */
export type SettingsResult =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Settings that were given as flags: they count over the file. */
export type Overrides = Readonly<Partial<Record<keyof Settings, unknown>>>;

/** Reads a settings file, or takes the defaults where none is named. */
export async function loadSettings(file: string | undefined, overrides: Overrides = {}): Promise<SettingsResult> {
  if (file === undefined) return check({}, overrides, (path) => `--${path.map(String).join('.')}`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    // the decoder's own error
    const problem = error instanceof TypeError ? 'is not UTF-8 text' : `cannot be read: ${inWords(error)}`;
    return { ok: false, problems: [`settings file ${file} ${problem}`] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.1', logLevel: 'error' });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) return { ok: false, problems: [`${place(error.pos[0])} ${syntaxMessage(error, text)}`] };
  const read = toPlain(document);
  if ('failure' in read) return { ok: false, problems: [`${place(read.offset)} ${read.failure}`] };
  const value = read.plain ?? {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { ok: false, problems: [`${place(0)} must be a mapping of settings`] };
  }
  const from = (path: Path): string =>
    path[0] !== undefined && overrides[path[0] as keyof Settings] !== undefined
      ? `--${String(path[0])}`
      : `${place(offsetOf(document, path))} ${path.join('.')}`;
  return check(value, overrides, from);
}

function check(value: object, overrides: Overrides, nameOf: (path: Path) => string): SettingsResult {
  const given = Object.fromEntries(Object.entries(overrides).filter(([, setting]) => setting !== undefined));
  const result = settingsSchema.safeParse({ ...value, ...given }, { reportInput: true });
  if (result.success) return { ok: true, settings: result.data };
  const problems = result.error.issues
    .flatMap(flatten)
    .filter(isFirstAtItsPlace)
    .map(({ path, message }) =>
      `${nameOf(path)}: ${message}`.replace(/^--(\S+)/, (_, name: string) => `--${kebab(name)}`),
    );
  return { ok: false, problems };
}

interface Flat {
  readonly path: Path;
  readonly message: string;
}

/** Of a choice, the alternative that fits best is the one that was meant. An unknown setting is named at its own place. */
function flatten(issue: z.core.$ZodIssue): readonly Flat[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  const below = (inner: z.core.$ZodIssue): readonly Flat[] => flatten({ ...inner, path: [...path, ...inner.path] });
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], message: 'no such setting' }));
    case 'invalid_union': {
      const [best] = issue.errors.toSorted((a, b) => misfit(a) - misfit(b));
      return best === undefined ? [{ path, message: issue.message }] : best.flatMap(below);
    }
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues.flatMap(below);
    case 'invalid_type':
    case 'too_big':
    case 'too_small':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_value':
    case 'custom':
      return [{ path, message: sentenceOf('', issue).trim().replace(/\.$/, '') }];
  }
}

/** An empty host is too short and no host name: once mended, it is neither. */
function isFirstAtItsPlace({ path }: Flat, index: number, all: readonly Flat[]): boolean {
  return all.findIndex((other) => other.path.join('\0') === path.join('\0')) === index;
}

/** An alternative whose keys are unknown was not meant; one whose values are wrong may have been. */
function misfit(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? 10 * issue.keys.length : 1), 0);
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
