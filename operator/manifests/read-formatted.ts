/**
 * Reads what `formatYaml` has written, at a tenth of the library's cost: a start reads a Secret for each user. It reads
 * no other YAML: its result counts only where `formatYaml` writes the same text again.
 */
import { formatYaml } from './format-yaml.ts';

interface Lines {
  readonly texts: string[];
  at: number;
}

const FIELD = /^("(?:[^"\\]|\\.)*"|[^"\s][^:]*):(?: (.*))?$/;
/** What `formatYaml` writes by way of JSON; all else is text as it stands. */
const JSON_SCALAR = /^(?:".*"|-?\d+|true|false|null|\[\]|\{\})$/;

/** The data in a text of `formatYaml`; undefined where the text is any other. */
export function readFormatted(text: string): unknown {
  try {
    const value = readMapping({ texts: text.split('\n'), at: 0 }, '');
    return formatYaml(value) === text ? value : undefined;
  } catch {
    // no JSON in the quotes, or nested deeper than the stack
    return undefined;
  }
}

function readMapping(lines: Lines, indent: string): Readonly<Record<string, unknown>> {
  const entries: [string, unknown][] = [];
  for (let field = fieldAt(lines, indent); field !== undefined; field = fieldAt(lines, indent)) {
    lines.at += 1;
    const [key, rest] = field;
    entries.push([key, rest === undefined ? readBlock(lines, `${indent}  `) : readScalar(rest)]);
  }
  return Object.fromEntries(entries);
}

/** A mapping, or a list of mappings. */
function readBlock(lines: Lines, indent: string): unknown {
  const dash = `${indent}- `;
  if (lines.texts[lines.at]?.startsWith(dash) !== true) return readMapping(lines, indent);
  const items: unknown[] = [];
  for (let line = lines.texts[lines.at]; line?.startsWith(dash) === true; line = lines.texts[lines.at]) {
    const inner = `${indent}  `;
    lines.texts[lines.at] = inner + line.slice(dash.length);
    const before = lines.at;
    items.push(readMapping(lines, inner));
    if (lines.at === before) break;
  }
  return items;
}

/** Key and rest of a line that is indented so far and no further; undefined for any other line. */
function fieldAt({ texts, at }: Lines, indent: string): readonly [string, string | undefined] | undefined {
  const line = texts[at];
  if (line?.startsWith(indent) !== true) return undefined;
  const [, key, rest] = FIELD.exec(line.slice(indent.length)) ?? [];
  return key === undefined ? undefined : [String(readScalar(key)), rest];
}

function readScalar(text: string): unknown {
  return JSON_SCALAR.test(text) ? JSON.parse(text) : text;
}
