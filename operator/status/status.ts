/** `smtp-plus status`: what `kubectl describe` says on a cluster, of a process that runs on a folder: read from its state folder. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { asRecord } from '../api/plain-data.ts';
import { kinds, kindNames, type KindName } from '../api/kinds.ts';
import type { ObjectName } from '../api/names.ts';
import { statusPath } from '../directory/state-files.ts';
import { inWords } from '../errors.ts';
import { readBounded } from '../manifests/walk.ts';
import { describeObject } from './describe.ts';

export interface StatusOptions {
  /** The state folder. */
  readonly state: string;
  readonly write: (text: string) => void;
}

/** 0: it was told. 1: something that was asked for is not there. 2: the question, or the state folder, is wrong. */
export type StatusResult = 0 | 1 | 2;

interface Question {
  readonly kinds: readonly KindName[];
  /** `NAMESPACE/NAME`, `NAMESPACE/` for all of a namespace; none: everything. */
  readonly keys: readonly string[];
}

/** @param words kinds, as kubectl takes them, and objects or namespaces (`shop/orders`, `shop/`); none: everything */
export async function runStatus(words: readonly string[], { state, write }: StatusOptions): Promise<StatusResult> {
  const question = questionOf(words);
  if ('problem' in question) {
    write(`error: ${question.problem}\n`);
    return 2;
  }
  const folder = join(state, 'status');
  const there = await readdir(folder).catch((error: unknown) => ({ problem: inWords(error) }));
  if ('problem' in there) {
    write(`error: ${folder} cannot be read: ${there.problem}; name the state folder of the process with --state\n`);
    return 2;
  }
  const all = await Promise.all(question.kinds.map((kind) => objectsOf(folder, kind)));
  const wanted = all.flat().filter(({ namespace, name }) => isAskedFor(question, `${namespace}/${name}`));
  const missing = question.keys.filter(
    (key) => !wanted.some(({ namespace, name }) => fits(key, `${namespace}/${name}`)),
  );
  for (const object of wanted) write(`${await describeFile(folder, object)}\n\n`);
  for (const key of missing)
    write(`error: nothing is known of ${key}; its manifest is not in the folder, or not read yet\n`);
  if (wanted.length === 0 && missing.length === 0) write('There are no objects yet.\n');
  return missing.length === 0 ? 0 : 1;
}

function questionOf(words: readonly string[]): Question | { readonly problem: string } {
  const [named, keys]: [KindName[], string[]] = [[], []];
  for (const word of words) {
    const kind = kindOf(word);
    if (kind !== undefined) named.push(kind);
    else if (/^[a-z0-9.-]+\/[a-z0-9.-]*$/.test(word)) keys.push(word);
    else {
      const known = kindNames.flatMap((name) => kinds[name].shortNames).join(', ');
      return { problem: `${word} is neither a kind (${known}) nor NAMESPACE/NAME; NAMESPACE/ is all of a namespace` };
    }
  }
  return { kinds: named.length === 0 ? kindNames : named, keys };
}

function kindOf(word: string): KindName | undefined {
  const lower = word.toLowerCase();
  return kindNames.find((name) => {
    const { singular, plural, shortNames } = kinds[name];
    return [singular, plural, ...shortNames].includes(lower);
  });
}

function isAskedFor({ keys }: Question, key: string): boolean {
  return keys.length === 0 || keys.some((one) => fits(one, key));
}

function fits(asked: string, key: string): boolean {
  return asked.endsWith('/') ? key.startsWith(asked) : key === asked;
}

interface Place extends ObjectName {
  readonly kind: KindName;
}

async function objectsOf(folder: string, kind: KindName): Promise<Place[]> {
  const files = await readdir(join(folder, kind), { recursive: true, withFileTypes: true }).catch(() => []);
  return files
    .filter((file) => file.isFile() && file.name.endsWith('.yaml'))
    .map(({ parentPath, name }) => ({ kind, namespace: parentPath.split('/').at(-1) ?? '', name: name.slice(0, -5) }))
    .sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
}

/** A file that the process is just replacing, or that somebody has changed, is told as what it is. */
async function describeFile(folder: string, { kind, namespace, name }: Place): Promise<string> {
  const path = join(folder, statusPath({ kind, meta: { namespace, name } }));
  const file = await readBounded(path);
  if ('problem' in file) return `${kind} ${namespace}/${name}: ${path} ${file.problem}`;
  try {
    return describeObject({ kind, namespace, name, status: asRecord(parse(file.text))['status'] });
  } catch {
    return `${kind} ${namespace}/${name}: ${path} is damaged; the process writes it anew when anything changes`;
  }
}
