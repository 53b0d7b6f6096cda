/** Fields that no schema knows. An API server silently drops them unless asked to be strict; nobody wants that. */
import { isRecord } from '../api/plain-data.ts';
import type { Manifest } from '../manifests/parse.ts';
import { schemaOf, type Schema } from '../api/crd.ts';
import { kindNames, kinds, type KindName } from '../api/kinds.ts';
import { formatPath, type Path } from '../api/path.ts';
import { findingAt, type Finding } from './finding.ts';
import { mostSimilar } from './similar.ts';

/** ObjectMeta of Kubernetes 1.36. */
const METADATA: Schema = {
  properties: Object.fromEntries(
    `name generateName namespace labels annotations finalizers ownerReferences uid resourceVersion generation
     creationTimestamp deletionTimestamp deletionGracePeriodSeconds managedFields selfLink`
      .split(/\s+/)
      .map((name) => [name, {}]),
  ),
};

const schemas = new Map(kindNames.map((kind) => [kind, withMetadata(schemaOf(kinds[kind]))]));

function withMetadata(schema: Schema): Schema {
  return { ...schema, properties: { ...schema.properties, metadata: METADATA } };
}

/** One finding for each field of an object that its kind does not have. */
export function unknownFields(kind: KindName, manifest: Manifest): Finding[] {
  const schema = schemas.get(kind) ?? {};
  return strangers(manifest.value, schema, []).map(({ path, siblings }) => {
    const mend = suggestion(path, siblings, schema) ?? 'remove it.';
    const message = `${formatPath(path)} is not a field of ${kind}; ${mend}`;
    return findingAt(manifest, path, { severity: 'error', rule: 'unknown-field', message });
  });
}

interface Stranger {
  readonly path: Path;
  readonly siblings: readonly string[];
}

function strangers(value: unknown, schema: Schema, path: Path): Stranger[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? [] : value.flatMap((item, i) => strangers(item, items, [...path, i]));
  }
  const fields = schema.properties;
  if (!isRecord(value) || fields === undefined) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = Object.hasOwn(fields, name) ? fields[name] : undefined;
    return known === undefined
      ? [{ path: [...path, name], siblings: Object.keys(fields) }]
      : strangers(inner, known, [...path, name]);
  });
}

/** The right name, or the right place for a name that exists elsewhere. */
function suggestion(path: Path, siblings: readonly string[], schema: Schema): string | undefined {
  const name = String(path.at(-1));
  const similar = mostSimilar(name, siblings);
  if (similar !== undefined) return `did you mean ${formatPath([...path.slice(0, -1), similar])}?`;
  const elsewhere = placesOf(name, schema.properties?.['spec'] ?? {}, 'spec')[0];
  return elsewhere === undefined ? undefined : `did you mean ${elsewhere}?`;
}

function placesOf(name: string, schema: Schema, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([field, inner]) => {
    const place = `${path}.${field}`;
    return field === name ? [place] : placesOf(name, inner, place);
  });
}
