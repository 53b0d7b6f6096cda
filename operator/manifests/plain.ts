/** A parsed YAML document -> plain data, whatever a stranger wrote; and what is wrong with one, in words. */
import { isAlias, visit } from 'yaml';
import type { Alias, Document, Node, YAMLParseError, YAMLWarning } from 'yaml';
import { messageOf } from '../errors.ts';

/** Copies of one anchor, with those inside it: an expanded alias costs memory without costing bytes ("billion laughs"). */
const MAX_COPIES = 100;
/** In a document: the parser's time for them grows with their square. */
const MAX_ALIASES = 1000;
/** Deeper than any spec; recursion over what a stranger wrote has to end somewhere. */
const MAX_DEPTH = 64;
/** Longest key to quote. */
const KEY_MAX = 64;

/** The data, or what is wrong and at which offset of the text. */
export type Plain = { readonly plain: unknown } | { readonly failure: string; readonly offset: number };

/** Never throws because of the text. */
export function toPlain(document: Document.Parsed): Plain {
  try {
    const fault = aliasFault(document);
    if (fault !== undefined) return fault;
    const plain: unknown = document.toJS({ maxAliasCount: MAX_COPIES });
    return isDeeper(plain, MAX_DEPTH) ? failed(document, `nested more than ${MAX_DEPTH} levels deep`) : { plain };
  } catch (error) {
    // RangeError: nested deeper than the stack
    if (error instanceof ReferenceError) return tooManyCopies(document);
    if (error instanceof RangeError) return failed(document, 'nested too deep');
    return failed(document, messageOf(error));
  }
}

/** What the parser says, in words of what to do where its own are about its programmer or leave out the name. */
export function syntaxMessage(error: YAMLParseError | YAMLWarning, text: string): string {
  const { code, message } = error;
  if (code === 'DUPLICATE_KEY') return `Map keys must be unique: ${keyAt(text, error.pos[0])} is there twice`;
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here; remove it, or the line --- before it';
  // the parser meets the end of its stack before we do
  return message.includes('call stack') ? 'nested too deep' : message;
}

function keyAt(text: string, offset: number): string {
  const rest = text.slice(offset, offset + KEY_MAX);
  return /^("[^"\n]*"|'[^'\n]*'|[^\s:,{}[\]]+)/.exec(rest)?.[0] ?? 'one';
}

/** What the library reports of aliases without a place, or too late. */
function aliasFault(document: Document.Parsed): Plain | undefined {
  const anchors = new Map<string, Node>();
  let count = 0;
  let found: Plain | undefined;
  visit(document, {
    Node: (_, node) => {
      if (!isAlias(node) && node.anchor !== undefined) anchors.set(node.anchor, node);
    },
    Alias: (_, alias, path) => {
      count += 1;
      const target = anchors.get(alias.source);
      if (count > MAX_ALIASES) found = failedAt(alias, `more than ${MAX_ALIASES} aliases; write their values out`);
      else if (target === undefined) found = failedAt(alias, danglingMessage(alias));
      else if (path.includes(target)) found = failedAt(alias, `*${alias.source} stands inside of &${alias.source}`);
      return found === undefined ? undefined : visit.BREAK;
    },
  });
  return found;
}

function danglingMessage({ source }: Alias): string {
  return `*${source} refers to nothing: &${source} must come before it; or put the text in quotes`;
}

/** The library does not say where: at the alias that exceeds the bound if each makes one copy, else at the last one. */
function tooManyCopies(document: Document.Parsed): Plain {
  let count = 0;
  let last: Alias | undefined;
  visit(document, {
    Alias: (_, alias) => {
      count += 1;
      last = alias;
      return count > MAX_COPIES ? visit.BREAK : undefined;
    },
  });
  const failure = `aliases that stand for more than ${MAX_COPIES} copies of one anchor; write their values out`;
  return last === undefined ? failed(document, failure) : failedAt(last, failure);
}

function failedAt(alias: Alias, failure: string): Plain {
  return { failure, offset: alias.range?.[0] ?? 0 };
}

function failed(document: Document.Parsed, failure: string): Plain {
  return { failure, offset: document.contents?.range[0] ?? 0 };
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
