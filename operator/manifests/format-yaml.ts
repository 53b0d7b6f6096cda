/**
 * Writes plain data as YAML for people and for any reader, of version 1.1 or 1.2. The library builds a tree of nodes
 * first, which takes twenty times as long and as much memory: a start with a thousand users would spend most of its
 * time on that.
 */

/** Text that every reader takes for text even without quotes; anything else is quoted. */
const PLAIN = /^[A-Za-z/][\w ./@+=()-]*[\w./@+=)]$|^[A-Za-z]$/;
/** Base64 of a number or a key: plain, so that a shell can pick it out by its line. */
const BASE64 = /^[0-9+][A-Za-z0-9+/]*={0,2}$/;
/** What some reader takes for a number: decimal, hexadecimal, octal, with an exponent or underscores. */
const NUMBER_LIKE = /^[-+.0-9eE][-+0-9a-fA-FxXoO_.]*$/;
const WORDS: ReadonlySet<string> = new Set(['y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false', 'null']);

export function formatYaml(value: unknown): string {
  return block(value, '').slice(1);
}

/** Begins with a line end where the value takes lines of its own, else with a space. */
function block(value: unknown, indent: string): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return ' []\n';
    // the first line of an item follows its dash
    return `\n${value.map((item) => `${indent}- ${block(item, `${indent}  `).trimStart()}`).join('')}`;
  }
  if (typeof value !== 'object' || value === null) return ` ${scalar(value)}\n`;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  if (entries.length === 0) return ' {}\n';
  const lines = entries.map(([key, inner]) => `${indent}${scalar(key)}:${block(inner, `${indent}  `)}`);
  return `\n${lines.join('')}`;
}

function scalar(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? 'null';
  if (WORDS.has(value.toLowerCase()) || NUMBER_LIKE.test(value)) return quoted(value);
  if (PLAIN.test(value) || BASE64.test(value)) return value;
  return quoted(value);
}

/** JSON is YAML, but for characters that YAML does not allow as they are. */
function quoted(value: string): string {
  return JSON.stringify(value).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
