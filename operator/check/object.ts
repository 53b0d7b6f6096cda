/** What one object says about itself: everything that an API server would refuse, and what has no effect yet. */
import { isRecord } from '../manifests/classify.ts';
import type { Manifest } from '../manifests/parse.ts';
import type { KindName } from '../api/kinds.ts';
import { fieldsNotInEffect } from '../api/not-in-effect.ts';
import { labelKey, labelValue } from '../api/names.ts';
import { validate } from '../api/validate.ts';
import { findingAt, type Finding } from './finding.ts';
import { unknownFields } from './unknown-fields.ts';

export function checkObject(kind: KindName, manifest: Manifest): Finding[] {
  return [
    ...checkTexts(manifest, 'labels'),
    ...checkTexts(manifest, 'annotations'),
    ...unknownFields(kind, manifest),
    ...checkSpec(kind, manifest),
    ...checkEffect(kind, manifest),
  ];
}

function checkSpec(kind: KindName, manifest: Manifest): Finding[] {
  const result = validate(kind, manifest, manifest.value['spec']);
  if (result.ok) return [];
  return result.problems.map(({ path, message }) =>
    findingAt(manifest, path, { severity: 'error', rule: 'schema', message }),
  );
}

/** A slip in a label or an annotation is refused by the API server with the whole object. */
export function checkTexts(manifest: Manifest, field: 'labels' | 'annotations'): Finding[] {
  const { metadata } = manifest.value;
  const entries = isRecord(metadata) ? metadata[field] : undefined;
  if (entries === undefined || entries === null) return [];
  if (!isRecord(entries)) {
    const message = `metadata.${field} must be a mapping of text to text.`;
    return [findingAt(manifest, ['metadata', field], { severity: 'error', rule: 'schema', message })];
  }
  return Object.entries(entries).flatMap(([key, value]) => {
    const objection = objectionToText(field, key, value);
    if (objection === undefined) return [];
    const message = `metadata.${field} ${objection}.`;
    return [findingAt(manifest, ['metadata', field, key], { severity: 'error', rule: 'schema', message })];
  });
}

function objectionToText(field: 'labels' | 'annotations', key: string, value: unknown): string | undefined {
  // the API server minds no capitals in the prefix of an annotation
  if (!labelKey.safeParse(field === 'annotations' ? key.toLowerCase() : key).success) {
    return `must have valid keys, and ${key} is none; use letters, digits, -, _ and . (at most 63), after a domain and a / where there is a prefix`;
  }
  // `smtpplus.io/default-list: true` is a boolean in YAML
  if (typeof value !== 'string') return `must hold text only, and ${key} is none; put its value in quotes`;
  if (field === 'annotations' || labelValue.safeParse(value).success) return undefined;
  return `must have valid values, and that of ${key} is none; use letters, digits, -, _ and . (at most 63), a letter or digit first and last`;
}

function checkEffect(kind: KindName, manifest: Manifest): Finding[] {
  return fieldsNotInEffect(kind, manifest.value['spec']).map(({ path, message }) =>
    findingAt(manifest, path, { severity: 'warning', rule: 'not-in-effect', message }),
  );
}
