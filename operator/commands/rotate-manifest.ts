/**
 * Writes the request for a new password into the manifest of a user, and leaves everything else in it as it was
 * written.
 */
import { chown, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isMap, isScalar, parseAllDocuments, type Document } from 'yaml';
import type { ObjectName } from '../api/names.ts';
import { asRecord, at } from '../api/plain-data.ts';
import { writeAtomically } from '../directory/write-file.ts';
import { inWords } from '../errors.ts';
import { listManifestFiles, readBounded } from '../manifests/walk.ts';
import { CommandError, refuseOwnPassword, type RotationWish } from './source.ts';

const ROTATION = ['spec', 'credentials', 'rotation'] as const;

/** Resolves to what was done, for people. @param state where the process keeps the name of its folder of manifests */
export async function rotateInFolder(state: string, name: ObjectName, wish: RotationWish): Promise<string> {
  const folder = (await readFile(join(state, 'manifests'), 'utf8').catch(() => '')).trim();
  if (folder === '')
    throw new CommandError(`${state} does not say which folder of manifests it belongs to; ${byHand(wish)}`);
  const walk = await listManifestFiles(folder).catch((error: unknown) => {
    throw new CommandError(`${folder} cannot be read: ${inWords(error)}; ${byHand(wish)}`);
  });
  for (const path of walk.files.keys()) {
    const file = await readBounded(path);
    if ('problem' in file) continue;
    const documents = documentsIn(file.text);
    const index = documents.findIndex((document) => isUser(document, name));
    const document = documents[index];
    if (document === undefined) continue;
    refuseOwnPassword(asRecord(document.toJS())['spec']);
    const text = withWish(file.text, index, wish);
    if (text === undefined || !isOnlyChange(documents, documentsIn(text), { index, wish })) {
      throw new CommandError(`${path} is written in a way that this command does not change; ${byHand(wish)}`, 1);
    }
    await replace(path, text);
    return `The trigger in ${path} was changed`;
  }
  throw new CommandError(
    `no file in ${folder} has SmtpPlusUser ${name.namespace}/${name.name} as a document of its own; ${byHand(wish)}`,
    1,
  );
}

function byHand({ trigger, overlap }: RotationWish): string {
  const more = overlap === undefined ? '' : `, and overlap: ${overlap} beside it`;
  return `set spec.credentials.rotation.trigger: ${JSON.stringify(trigger)} yourself${more}`;
}

function documentsIn(text: string): readonly Document.Parsed[] {
  const documents = parseAllDocuments(text, { version: '1.1' });
  return Array.isArray(documents) ? documents : [];
}

function isUser(document: Document.Parsed, { namespace, name }: ObjectName): boolean {
  if (document.errors.length > 0) return false;
  const { kind, metadata } = asRecord(document.toJS());
  const { name: itsName, namespace: itsNamespace = 'default' } = asRecord(metadata);
  return kind === 'SmtpPlusUser' && itsName === name && itsNamespace === namespace;
}

/** Undefined where the text has something in the way, such as an alias. */
function withWish(text: string, index: number, wish: RotationWish): string | undefined {
  let changed: string | undefined = text;
  for (const [field, value] of Object.entries(wish)) {
    changed = changed && withField(changed, documentsIn(changed)[index], { path: [...ROTATION, field], value });
  }
  return changed;
}

interface Field {
  readonly path: readonly string[];
  readonly value: string;
}

/** Puts a field into the text of a document, into the innermost mapping of its path that is there. All else stays as it is. */
function withField(text: string, document: Document.Parsed | undefined, { path, value }: Field): string | undefined {
  let node: unknown = document?.contents;
  let depth = 0;
  for (; depth < path.length && isMap(node); depth++) {
    const inner = node.items.find(({ key }) => isScalar(key) && key.value === path[depth])?.value;
    if (inner === undefined) break;
    node = inner;
  }
  if (isScalar(node) && node.range && depth === path.length) return spliced(text, node.range, JSON.stringify(value));
  if (!isMap(node) || !node.range) return undefined;
  const missing = path.slice(depth);
  const [first] = node.items;
  if (node.flow === true || first === undefined) {
    const inner = missing.reduceRight<unknown>((content, key) => ({ [key]: content }), value);
    const fields = JSON.stringify(inner).slice(1, -1) + (first === undefined ? '' : ', ');
    return spliced(text, [node.range[0] + 1, node.range[0] + 1], fields);
  }
  const start = isScalar(first.key) ? first.key.range?.[0] : undefined;
  if (start === undefined) return undefined;
  const indent = ' '.repeat(start - (text.lastIndexOf('\n', start - 1) + 1));
  const lines = missing.map((key, level) => `${'  '.repeat(level)}${key}:`);
  return spliced(text, [start, start], `${lines.join(`\n${indent}`)} ${JSON.stringify(value)}\n${indent}`);
}

function spliced(text: string, [start, end]: readonly [number, number, ...unknown[]], by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}

function isOnlyChange(
  before: readonly Document.Parsed[],
  after: readonly Document.Parsed[],
  { index, wish }: { readonly index: number; readonly wish: RotationWish },
): boolean {
  if (before.length !== after.length) return false;
  return before.every((document, i) => {
    const [was, is] = [document.toJS() as unknown, after[i]?.toJS() as unknown];
    if (i !== index) return isDeepStrictEqual(was, is);
    const { trigger, overlap } = asRecord(at(is, ROTATION));
    const isAsWished = trigger === wish.trigger && (wish.overlap === undefined || overlap === wish.overlap);
    return isAsWished && isDeepStrictEqual(without(was), without(is));
  });
}

/** The object but for its rotation, with no empty mappings left where it stood. */
function without(value: unknown): unknown {
  const { spec, ...others } = asRecord(value);
  const { credentials, ...rest } = asRecord(spec);
  const { rotation: _, ...kept } = asRecord(credentials);
  return { ...others, spec: rest, credentials: kept };
}

/** With the mode and the owner that it has: the process has to read it. */
async function replace(path: string, text: string): Promise<void> {
  try {
    const { mode, uid, gid } = await stat(path);
    await writeAtomically(path, text, { mode: mode & 0o777 });
    // for root alone this is another one's file; anybody else may not give it away, and had to own the folder
    if (process.getuid?.() === 0) await chown(path, uid, gid);
  } catch (error) {
    throw new CommandError(`${path} cannot be written: ${inWords(error)}`, 1, { cause: error });
  }
}
