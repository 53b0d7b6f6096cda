/** A parsed YAML document -> plain data, whatever a stranger wrote; and what is wrong with one, in words. */
import { visit } from 'yaml';
import type { Document, YAMLParseError, YAMLWarning } from 'yaml';

/** An expanded alias costs memory without costing bytes ("billion laughs"). */
const MAX_ALIASES = 100;
/** Deeper than any spec; recursion over what a stranger wrote has to end somewhere. */
const MAX_DEPTH = 64;
/** Longest key to quote. */
const KEY_MAX = 64;

/** The data, or what is wrong and at which offset of the text. */
export type Plain = { readonly plain: unknown } | { readonly failure: string; readonly offset: number };

/** Never throws because of the text. */
export function toPlain(document: Document.Parsed): Plain {
  try {
    const dangling = danglingAlias(document);
    if (dangling !== undefined) return dangling;
    const plain: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return isDeeper(plain, MAX_DEPTH) ? failed(document, `nested more than ${MAX_DEPTH} levels deep`) : { plain };
  } catch (error) {
    // ReferenceError: too many aliases. RangeError: nested deeper than the stack
    if (error instanceof RangeError) return failed(document, 'nested too deep');
    return failed(document, error instanceof Error ? error.message : String(error));
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

/** The library reports an alias to nothing without its place. */
function danglingAlias(document: Document.Parsed): Plain | undefined {
  let found: Plain | undefined;
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return undefined;
      const failure = `*${alias.source} refers to nothing: &${alias.source} must come before it; or put the text in quotes`;
      found = { failure, offset: alias.range?.[0] ?? 0 };
      return visit.BREAK;
    },
  });
  return found;
}

function failed(document: Document.Parsed, failure: string): Plain {
  return { failure, offset: document.contents?.range[0] ?? 0 };
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
