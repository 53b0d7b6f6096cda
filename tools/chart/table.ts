/** The table of the chart's values, for docs/reference/values.md. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { code, table } from '../reference.ts';
import { valuesTableSchema } from './values.ts';

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

export function valuesTable(): string {
  const values: unknown = parse(readFileSync(new URL('../../charts/smtp-plus/values.yaml', import.meta.url), 'utf8'));
  const schema = z.toJSONSchema(valuesTableSchema, { io: 'input' }) as Schema;
  return table(['value', 'default', 'meaning'], rowsOf('', schema, values));
}

function rowsOf(prefix: string, { properties = {} }: Schema, values: unknown): string[][] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const value = (values as Record<string, unknown> | undefined)?.[name];
    if (schema.properties !== undefined) return rowsOf(`${prefix}${name}.`, schema, value);
    return [[code(`${prefix}${name}`), defaultOf(value), schema.description ?? '']];
  });
}

function defaultOf(value: unknown): string {
  const isEmpty =
    value === undefined || value === '' || (typeof value === 'object' && Object.keys(value ?? {}).length === 0);
  if (isEmpty) return '';
  return code(typeof value === 'string' ? value : JSON.stringify(value));
}
