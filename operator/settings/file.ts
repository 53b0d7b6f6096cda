import { readFile } from 'node:fs/promises';
import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import type { Path } from '../api/path.ts';
import { sentenceOf } from '../api/sentence.ts';
import type { FilePosition } from '../manifests/parse.ts';
import { syntaxMessage, toPlain } from '../manifests/plain.ts';
import { offsetOf } from '../manifests/positions.ts';
import { formatSource } from '../manifests/read.ts';
import { inWords } from '../errors.ts';
import { similarSetting } from './names.ts';
import { settingsSchema } from './settings.ts';
import type { Settings } from './settings.ts';

/** The settings, or one line for each thing that is wrong: `FILE:LINE:COLUMN setting: what it must be`. */
export type SettingsResult =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly string[] };

interface SettingsProblem {
  /** Absent for a flag, and for a file that cannot be read. */
  readonly source?: FilePosition | undefined;
  readonly message: string;
}

type SettingsReading =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly SettingsProblem[] };

/** Settings that were given as flags: they count over the file. */
export type Overrides = Readonly<Partial<Record<keyof Settings, unknown>>>;

/** Reads a settings file, or takes the defaults where none is named. */
export async function loadSettings(file: string | undefined, overrides: Overrides = {}): Promise<SettingsResult> {
  const result = await readSettings(file, overrides);
  if (result.ok) return result;
  const problems = result.problems.map(({ source, message }) =>
    source === undefined ? message : `${formatSource(source)} ${message}`,
  );
  return { ok: false, problems };
}

/** The same, with the places of what is wrong. */
export async function readSettings(file: string | undefined, overrides: Overrides = {}): Promise<SettingsReading> {
  if (file === undefined) return check({}, overrides, (path) => ({ name: `--${path.map(String).join('.')}` }));
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    // the decoder's own error
    const problem = error instanceof TypeError ? 'is not UTF-8 text' : `cannot be read: ${inWords(error)}`;
    return { ok: false, problems: [{ message: `settings file ${file} ${problem}` }] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.1', logLevel: 'error' });
  const place = (offset: number): FilePosition => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const refuse = (offset: number, message: string): SettingsReading => {
    return { ok: false, problems: [{ source: place(offset), message }] };
  };
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) return refuse(error.pos[0], syntaxMessage(error, text));
  const read = toPlain(document);
  if ('failure' in read) return refuse(read.offset, read.failure);
  const value = read.plain ?? {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse(0, 'must be a mapping of settings');
  }
  return check(value, overrides, (path) =>
    path[0] !== undefined && overrides[path[0] as keyof Settings] !== undefined
      ? { name: `--${String(path[0])}` }
      : { source: place(offsetOf(document, path)), name: path.join('.') },
  );
}

interface Origin {
  readonly source?: FilePosition | undefined;
  /** Name of the setting, or of its flag. */
  readonly name: string;
}

function check(value: object, overrides: Overrides, originOf: (path: Path) => Origin): SettingsReading {
  const given = Object.fromEntries(Object.entries(overrides).filter(([, setting]) => setting !== undefined));
  const result = settingsSchema.safeParse({ ...value, ...given }, { reportInput: true });
  if (result.success) return { ok: true, settings: result.data };
  const problems = result.error.issues
    .flatMap(flatten)
    .filter(isFirstAtItsPlace)
    .map(({ path, message }) => {
      const { source, name } = originOf(path);
      const flag = name.replace(/^--(\S+)/, (_, setting: string) => `--${kebab(setting)}`);
      return { source, message: `${flag}: ${message}` };
    });
  return { ok: false, problems };
}

interface Flat {
  readonly path: Path;
  readonly message: string;
}

/** Where there is a choice, the alternative that fits best was meant. An unknown setting is named at its own place. */
function flatten(issue: z.core.$ZodIssue): readonly Flat[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  const below = (inner: z.core.$ZodIssue): readonly Flat[] => flatten({ ...inner, path: [...path, ...inner.path] });
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], message: noSuchSetting([...path, key]) }));
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

function noSuchSetting(path: Path): string {
  const similar = similarSetting(path);
  return similar === undefined ? 'no such setting' : `no such setting; did you mean ${similar}?`;
}

/** One mend for each place: an empty host, for one, is too short and is no host name. */
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
