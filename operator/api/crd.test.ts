import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crdOf, schemaOf, type Schema } from './crd.ts';
import { kindNames, kinds } from './kinds.ts';

/** Everything that a node of our schemas may hold; whatever else zod writes (anyOf, not, $ref...) a server refuses. */
const KEYWORDS = new Set(
  `type description format default enum pattern minimum maximum minLength maxLength maxItems maxProperties required
   properties items additionalProperties x-kubernetes-list-type x-kubernetes-list-map-keys x-kubernetes-map-type
   x-kubernetes-validations`.split(/\s+/),
);

for (const kind of kindNames) {
  describe(`the schema of ${kind}`, () => {
    const root = schemaOf(kinds[kind]);
    const nodes = [...walk(root, kind)];

    test('holds nothing that a structural schema may not hold', () => {
      for (const { path, node } of nodes) {
        assert.deepEqual(
          Object.keys(node).filter((key) => !KEYWORDS.has(key)),
          [],
          path,
        );
        assert.match(String(node.type), /^(object|array|string|integer|boolean)$/, path);
        assert.notEqual(typeof node.additionalProperties, 'boolean', `${path}: additionalProperties must be typed`);
        if (node.type === 'array') assert(node.items, `${path}: an array needs items`);
      }
    });

    test('describes each field in a sentence', () => {
      for (const { path, node, isField } of nodes) {
        if (isField && !path.endsWith('.metadata')) assert.match(node.description ?? '', /^[A-Z`].*[.)]$/, path);
      }
    });

    test('says in the description of a field what its default is, which `kubectl explain` would not show', () => {
      const defaults = [...walk(installedSchema(kind), kind)].filter(
        ({ node }) => node.default !== undefined && typeof node.default !== 'object',
      );
      assert(defaults.length > 0);
      for (const { path, node } of defaults) {
        assert(node.description?.endsWith(`. Default: ${inWords(node.default)}.`), `${path}: ${node.description}`);
      }
    });

    test('bounds each text, list and map, so that the cost of its rules is bounded too', () => {
      for (const { path, node } of nodes) {
        if (/\.(apiVersion|kind)$/.test(path)) continue;
        if (node.type === 'string') assert(node.maxLength ?? node.enum ?? node.format, `${path} has no maxLength`);
        if (node.type === 'array') assert(node.maxItems, `${path} has no maxItems`);
        if (node.additionalProperties) assert(node.maxProperties, `${path} has no maxProperties`);
        if (node.type === 'integer') assert.match(String(node.format), /^int(32|64)$/, path);
      }
    });

    test('says of each list how server-side apply merges it', () => {
      for (const { path, node } of nodes) {
        if (node.type !== 'array') continue;
        assert.match(String(node['x-kubernetes-list-type']), /^(set|map|atomic)$/, path);
        for (const key of node['x-kubernetes-list-map-keys'] ?? []) assert(node.items?.required?.includes(key), path);
      }
    });

    test('has no pattern that RE2 cannot read', () => {
      for (const { path, node } of nodes) assert.doesNotMatch(node.pattern ?? '', /\(\?|\\[1-9k]/, path);
    });

    test('requires no field that has a default', () => {
      for (const { path, node } of nodes) {
        for (const name of node.required ?? []) {
          assert.equal(node.properties?.[name]?.default, undefined, `${path}.${name}`);
        }
      }
    });

    test('points with each rule at a field that exists, in a message of one line that names it', () => {
      for (const { path, node } of nodes) {
        for (const { fieldPath, message } of node['x-kubernetes-validations'] ?? []) {
          const names = fieldPath?.split('.').slice(1) ?? [];
          assert(
            names.reduce<Schema | undefined>((at, name) => at?.properties?.[name], node),
            `${path}${fieldPath}`,
          );
          assert.match(message, /^[a-zA-Z0-9.]+ .*[^.\n]$/, path);
          const field = names.at(-1) ?? path.split('.').findLast((step) => /^\w+$/.test(step));
          assert(message.includes(String(field)) || path === kind, `${message} does not name ${field}`);
        }
      }
    });
  });
}

const inWords = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** As it goes to an API server. */
function installedSchema(kind: (typeof kindNames)[number]): Schema {
  const { spec } = crdOf(kinds[kind]) as {
    readonly spec: { readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }] };
  };
  return spec.versions[0].schema.openAPIV3Schema;
}

interface Visited {
  readonly path: string;
  readonly node: Schema;
  readonly isField: boolean;
}

function* walk(node: Schema, path: string, isField = true): Generator<Visited> {
  yield { path, node, isField };
  for (const [name, child] of Object.entries(node.properties ?? {})) yield* walk(child, `${path}.${name}`);
  if (node.items) yield* walk(node.items, `${path}.[]`, false);
  if (typeof node.additionalProperties === 'object') yield* walk(node.additionalProperties, `${path}.{}`, false);
}
