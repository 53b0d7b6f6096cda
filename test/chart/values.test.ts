/** The chart's values, as far as they can be told without Helm. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { valuesSchema, valuesTableSchema } from '../../tools/chart/values.ts';

const values: unknown = parse(
  readFileSync(path.join(import.meta.dirname, '../../charts/smtp-plus/values.yaml'), 'utf8'),
);

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** Those of the schema that a file lacks. */
function missingIn(given: unknown, { properties = {} }: Schema): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const value = (given as Record<string, unknown>)[name];
    if (value === undefined) return [name];
    return missingIn(value, schema).map((inner) => `${name}.${inner}`);
  });
}

describe('values.yaml', () => {
  test('is taken by its schema', () => {
    assert.deepEqual(valuesSchema.safeParse(values).error, undefined);
    assert.equal(valuesSchema.safeParse({ operator: { replica: 2 } }).success, false);
  });

  test('has each value with its default', () => {
    const schema = z.toJSONSchema(valuesTableSchema, { io: 'input' }) as Schema;
    assert.deepEqual(missingIn(values, schema), ['global']);
  });
});
