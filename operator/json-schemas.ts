/**
 * JSON Schemas by which editors complete and check manifests and settings, made from the schemas that check them here.
 */
import { z } from 'zod';
import { API_VERSION } from './api/common.ts';
import { isSpecNeeded, kindNames, kinds, type KindName } from './api/kinds.ts';
import { settingsSchema } from './settings/settings.ts';

export const SCHEMA_NAMES = ['manifest', 'settings', ...kindNames] as const;
export type SchemaName = (typeof SCHEMA_NAMES)[number];

/** What most editors speak. */
const DRAFT = 'http://json-schema.org/draft-07/schema#';

/** By the names of the files in schemas/. The same kinds always give the same bytes. */
export function renderSchemas(): ReadonlyMap<string, string> {
  return new Map(SCHEMA_NAMES.map((name) => [`${name.toLowerCase()}.json`, renderSchema(name)]));
}

export function renderSchema(name: SchemaName): string {
  return `${JSON.stringify({ $schema: DRAFT, ...schemaFor(name) }, undefined, 2)}\n`;
}

function schemaFor(name: SchemaName): object {
  switch (name) {
    case 'settings':
      return { title: 'SMTP+ settings', ...converted(settingsSchema) };
    case 'manifest':
      return manifestSchema();
    case 'SmtpPlusList':
    case 'SmtpPlusUser':
    case 'VerifiedSender':
      return kindSchema(name);
  }
}

/** Files hold several kinds, and some that are not ours. */
function manifestSchema(): object {
  return {
    title: 'Manifests of SMTP+',
    type: 'object',
    allOf: kindNames.map((name) => ({
      if: { properties: { kind: { const: name } }, required: ['kind'] },
      // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
      then: kindSchema(name),
    })),
  };
}

function kindSchema(name: KindName): object {
  const { description, spec } = kinds[name];
  return {
    title: name,
    description,
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', ...(isSpecNeeded(kinds[name]) ? ['spec'] : [])],
    properties: {
      apiVersion: { const: API_VERSION },
      kind: { const: name },
      metadata: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string' }, namespace: { type: 'string' } },
      },
      spec: converted(spec),
      status: { type: 'object', description: 'Written by the operator alone.' },
    },
    additionalProperties: false,
  };
}

function converted(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
    reused: 'inline',
    unrepresentable: 'any',
    // a field that is not known is a slip of the pen
    override: ({ jsonSchema }) => {
      for (const key of Object.keys(jsonSchema)) if (key.startsWith('x-kubernetes-')) delete jsonSchema[key];
      // without a flag that a schema cannot give, this means other letters; `check` judges them
      if (jsonSchema.pattern?.includes('\\p{') === true) delete jsonSchema.pattern;
      if (jsonSchema.type === 'object' && jsonSchema.properties !== undefined)
        jsonSchema.additionalProperties ??= false;
    },
  });
  return rest;
}
