/** The reference of the kinds in docs/, from the same schemas as the CRDs. */
import { schemaOf, type Schema } from './crd.ts';
import { kindNames, kinds } from './kinds.ts';

/** The same in every Kubernetes API: their fields are no news to the reader. */
const WELL_KNOWN: ReadonlySet<string> = new Set(['conditions', 'selector']);

interface Row {
  readonly field: string;
  readonly type: string;
  readonly fallback: string;
  readonly meaning: string;
}

/** Markdown: for each kind its names, what people write, and what they can read in its status. */
export function referenceTables(): string {
  return kindNames.map(kindReference).join('\n\n');
}

function kindReference(name: (typeof kindNames)[number]): string {
  const definition = kinds[name];
  const { spec = {}, status = {} } = schemaOf(definition).properties ?? {};
  return [
    `## ${name}`,
    `${definition.description} Short name \`${definition.shortNames.join('`, `')}\`.`,
    table(
      ['spec', 'type', 'default', 'meaning'],
      rowsOf(spec).map(({ field, type, fallback, meaning }) => [field, type, fallback, meaning]),
    ),
    table(
      ['status', 'type', 'meaning'],
      rowsOf(status).map(({ field, type, meaning }) => [field, type, meaning]),
    ),
  ].join('\n\n');
}

function rowsOf(schema: Schema, prefix = ''): Row[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const isRequired = schema.required?.includes(name) === true;
    const row = {
      field: code(prefix + name),
      type: typeOf(field),
      fallback: isRequired ? 'required' : defaultOf(field),
      meaning: escape(field.description ?? ''),
    };
    if (WELL_KNOWN.has(name)) return [row];
    return [row].concat(rowsOf(field, `${prefix}${name}.`), rowsOf(field.items ?? {}, `${prefix}${name}[].`));
  });
}

function typeOf({ type, format, enum: values, items, additionalProperties, minimum, maximum }: Schema): string {
  if (values !== undefined) return values.map((value) => code(String(value))).join(', ');
  if (items !== undefined) return items.properties === undefined ? `list of ${typeOf(items)}` : 'list';
  if (typeof additionalProperties === 'object') return `map of ${typeOf(additionalProperties)}`;
  if (type === 'integer' && minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  return format === 'date-time' ? 'time' : (type ?? '');
}

function defaultOf({ default: value }: Schema): string {
  // those of the fields inside stand in their own rows
  if (value === undefined || typeof value === 'object') return '';
  return code(typeof value === 'string' ? value : JSON.stringify(value));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|');
}
