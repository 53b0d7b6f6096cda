/** zod -> CustomResourceDefinition. What a structural schema may not hold is stripped or refused here, and tested. */
import { z } from 'zod';
import { CATEGORY, isSpecNeeded, type KindDefinition, type PrinterColumn } from './kinds.ts';
import { GROUP, KIND_VERSION } from './common.ts';
import { isRecord } from './plain-data.ts';
import type { Rule } from './rule.ts';

/** A node of an OpenAPI v3 schema, as far as CRDs know it. */
export interface Schema {
  type?: string;
  description?: string;
  format?: string;
  default?: unknown;
  enum?: unknown[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  maxProperties?: number;
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: string;
  'x-kubernetes-validations'?: Validation[];
}

interface Validation {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}

/** What CustomResourceDefinition.spec.versions[].schema.openAPIV3Schema is for a kind. */
export function schemaOf(definition: KindDefinition): Schema {
  const root: Schema = {
    type: 'object',
    description: definition.description,
    ...(isSpecNeeded(definition) && { required: ['spec'] }),
    properties: {
      apiVersion: { type: 'string', description: 'Version of the schema of this object.' },
      kind: { type: 'string', description: 'Kind of this object.' },
      // a description here is refused: the API server has its own schema for metadata
      metadata: { type: 'object' },
      spec: isSpecNeeded(definition) ? structural(definition.spec) : optional(structural(definition.spec)),
      status: {
        ...structural(definition.status),
        description: 'What the operator found and did. Written by it alone.',
      },
    },
  };
  for (const rule of definition.rules) addRule(root, rule);
  return root;
}

/** The manifest of a kind's CustomResourceDefinition. */
export function crdOf(definition: KindDefinition): object {
  const { kind, plural, singular, listKind, shortNames } = definition;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { kind, listKind, plural, singular, shortNames: [...shortNames], categories: [CATEGORY] },
      versions: [
        {
          name: KIND_VERSION,
          served: true,
          storage: true,
          additionalPrinterColumns: definition.columns.map(columnOf),
          selectableFields: definition.selectableFields.map((jsonPath) => ({ jsonPath })),
          schema: { openAPIV3Schema: sayingDefaults(schemaOf(definition)) },
          subresources: { status: {} },
        },
      ],
    },
  };
}

/** The same schema with its defaults in the descriptions, too: `kubectl explain` shows those, and no defaults. */
function sayingDefaults(schema: Schema): Schema {
  const { description, default: value, properties, items } = schema;
  const isToSay = value !== undefined && typeof value !== 'object';
  const words = typeof value === 'string' ? value : JSON.stringify(value);
  return {
    ...schema,
    ...(description !== undefined && isToSay && { description: `${description} Default: ${words}.` }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, sayingDefaults(field)])),
    }),
    ...(items !== undefined && { items: sayingDefaults(items) }),
  };
}

function columnOf({ name, type, jsonPath, description, priority }: PrinterColumn): object {
  return { name, type, jsonPath, description, ...(priority === undefined ? {} : { priority }) };
}

function structural(schema: z.ZodType): Schema {
  const converted = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline' });
  return tidied(converted as Schema);
}

function optional(schema: Schema): Schema {
  return { ...schema, default: completed({}, schema.properties) };
}

const INT32_MAX = 2 ** 31 - 1;

function tidied(schema: Schema): Schema {
  const { description, type, minimum, maximum, pattern, additionalProperties, properties, items, ...rest } = schema;
  const result: Schema = {
    ...(description === undefined ? {} : { description }),
    ...(type === undefined ? {} : { type }),
  };
  Object.assign(result, rest);
  // zod bounds every integer by 2^53; only bounds that somebody chose belong into the schema
  if (minimum !== undefined && minimum !== Number.MIN_SAFE_INTEGER) result.minimum = minimum;
  if (maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER) result.maximum = maximum;
  if (schema.type === 'integer') result.format = (result.maximum ?? Infinity) <= INT32_MAX ? 'int32' : 'int64';
  // the format says it already, and zod's own pattern for dates is 300 characters long
  if (pattern !== undefined && schema.format !== 'date-time') result.pattern = pattern;
  if (typeof additionalProperties === 'object') result.additionalProperties = tidied(additionalProperties);
  if (properties !== undefined) {
    result.properties = Object.fromEntries(Object.entries(properties).map(([name, child]) => [name, tidied(child)]));
  }
  if (items !== undefined) result.items = tidied(items);
  if (isRecord(result.default)) result.default = completed(result.default, result.properties);
  return result;
}

/** A default with the defaults of the fields in it: the API server checks rules against it as it stands. */
function completed(value: Readonly<Record<string, unknown>>, fields: Schema['properties'] = {}): object {
  const inner = Object.entries(fields).filter(([, field]) => field.default !== undefined);
  return { ...Object.fromEntries(inner.map(([name, field]) => [name, field.default])), ...value };
}

function addRule(root: Schema, { at, cel, field, message }: Rule): void {
  if (cel === undefined) return;
  let node = root;
  for (const step of at) {
    const child = step === '*' ? node.items : node.properties?.[step];
    if (child === undefined) throw new Error(`no ${at.join('.')} in the schema for the rule "${message}"`);
    node = child;
  }
  const validation = { rule: cel, message, ...(field === undefined ? {} : { fieldPath: `.${field}` }) };
  (node['x-kubernetes-validations'] ??= []).push(validation);
}
