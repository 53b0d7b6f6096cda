/**
 * The text of one file -> the Kubernetes objects in it, each with its place.
 *
 * YAML is read as kubectl reads it: version 1.1 booleans (`yes`, `on`) and merge keys, but no dates and no numbers to the
 * base of 60, so that one manifest can never mean two things in the two worlds.
 */
import { LineCounter, parseAllDocuments } from 'yaml';
import type { Document, DocumentOptions, ParseOptions, SchemaOptions } from 'yaml';
import type { ObjectName } from '../api/names.ts';
import type { Path } from '../api/path.ts';
import { classify } from './classify.ts';
import type { NamedObject } from './classify.ts';
import { offsetOf } from './positions.ts';
import { syntaxMessage, toPlain } from './plain.ts';

const MAX_LIST_DEPTH = 4;

export interface FilePosition {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

type ProblemReason =
  | 'unreadable' // file or folder
  | 'syntax' // not YAML; what the file held before stays in force
  | 'shape' // no Kubernetes object
  | 'unknown-kind' // our group, but no kind or version of it
  | 'foreign-group' // our kind, but not our group
  | 'bad-name'
  | 'duplicate'
  | 'too-many';

export interface Problem {
  readonly source: FilePosition;
  readonly reason: ProblemReason;
  readonly message: string;
  /** Which object it is about, where that can be told. */
  readonly names?: ObjectName;
}

/** One object of a kind that matters here. */
export interface Manifest extends NamedObject {
  readonly source: FilePosition;
  /** Place of a field, such as `['spec', 'senders', 0]`, or of the nearest field around it that is there. */
  readonly locate: (path: Path) => FilePosition;
}

/** An object of no concern here, such as a Deployment in the same repository. */
export interface Ignored {
  readonly source: FilePosition;
  /** `apps/v1 Deployment`, or empty where the document is no Kubernetes object (a file of Helm values, say). */
  readonly what: string;
}

export interface FileContent {
  readonly manifests: readonly Manifest[];
  readonly ignored: readonly Ignored[];
  readonly problems: readonly Problem[];
  /** The file is not YAML: what it says is unknown, which is not the same as nothing. */
  readonly broken: boolean;
  /** Not even a comment is in it. */
  readonly isEmpty?: true;
}

const YAML_OPTIONS: ParseOptions & DocumentOptions & SchemaOptions = {
  version: '1.1',
  prettyErrors: false,
  // a key that is a list or a mapping is no field, which we say ourselves
  logLevel: 'error',
  customTags: (tags) =>
    tags.filter(
      (tag) =>
        typeof tag === 'string' ||
        !(/:(timestamp|binary|omap|pairs|set)$/.test(tag.tag) || ('format' in tag && tag.format === 'TIME')),
    ),
};

interface Parsed {
  readonly documents: readonly Document.Parsed[];
  readonly lines: LineCounter;
}

interface Collected {
  readonly manifests: Manifest[];
  readonly ignored: Ignored[];
  readonly problems: Problem[];
}

type Locate = (path: Path) => FilePosition;

/** Reads the objects in the text of one file. Never throws because of the text. */
export function parseManifests(file: string, text: string): FileContent {
  const parsed = parseText(text);
  // the errors after the first are its consequences, often by the thousand
  const [error] = parsed.documents.flatMap((document) => [...document.errors, ...document.warnings]);
  if (error !== undefined) {
    const message = syntaxMessage(error, text);
    return broken([{ source: place(file, parsed.lines, error.pos[0]), reason: 'syntax', message }]);
  }
  const locateIn = locator(file, text, parsed);
  const collected: Collected = { manifests: [], ignored: [], problems: [] };
  for (const [index, document] of parsed.documents.entries()) {
    const locate = locateIn(index);
    const value = toPlain(document);
    if ('failure' in value) {
      return broken([{ source: place(file, parsed.lines, value.offset), reason: 'syntax', message: value.failure }]);
    }
    const isEmpty = value.plain === null || value.plain === undefined;
    if (!isEmpty) collect(collected, value.plain, [], locate);
  }
  return { ...collected, broken: false };
}

function parseText(text: string): Parsed {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { ...YAML_OPTIONS, lineCounter: lines });
  return { documents: Array.isArray(documents) ? documents : [], lines };
}

/** The parsed form costs forty times the text in memory: it is made again when somebody asks, which is rare. */
function locator(file: string, text: string, parsed: Parsed): (document: number) => Locate {
  let kept = new WeakRef(parsed);
  return (document) => (path) => {
    const again = kept.deref() ?? parseText(text);
    kept = new WeakRef(again);
    return place(file, again.lines, offsetOf(again.documents[document], path));
  };
}

function collect(to: Collected, value: unknown, path: Path, locate: Locate): void {
  const result = classify(value);
  switch (result.as) {
    case 'ignored':
      to.ignored.push({ source: locate(path), what: result.what });
      return;
    case 'problem': {
      const { at, reason, message, names } = result;
      to.problems.push({ source: locate([...path, ...at]), reason, message, ...(names !== undefined && { names }) });
      return;
    }
    case 'manifest':
      to.manifests.push({
        ...result.object,
        source: locate(path),
        locate: (field) => locate([...path, ...field]),
      });
      return;
    case 'list':
      if (path.length >= 2 * MAX_LIST_DEPTH) {
        to.problems.push({ source: locate(path), reason: 'shape', message: 'lists of lists of lists' });
        return;
      }
      for (const [index, item] of result.items.entries()) collect(to, item, [...path, 'items', index], locate);
  }
}

function place(file: string, lines: LineCounter, offset: number): FilePosition {
  const { line, col } = lines.linePos(offset);
  return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
}

function broken(problems: readonly Problem[]): FileContent {
  return { manifests: [], ignored: [], problems, broken: true };
}
