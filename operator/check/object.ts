/** What one object says about itself: everything that an API server would refuse, and what has no effect yet. */
import { isRecord } from '../manifests/classify.ts';
import type { Manifest } from '../manifests/parse.ts';
import type { KindName } from '../api/kinds.ts';
import { fieldsNotInEffect } from '../api/not-in-effect.ts';
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

/** `smtpplus.io/default-list: true` is a boolean in YAML, and refused by the API server with the whole object. */
function checkTexts(manifest: Manifest, field: 'labels' | 'annotations'): Finding[] {
  const { metadata } = manifest.value;
  const entries = isRecord(metadata) ? metadata[field] : undefined;
  if (entries === undefined || entries === null) return [];
  if (!isRecord(entries)) {
    const message = `metadata.${field} must be a mapping of text to text.`;
    return [findingAt(manifest, ['metadata', field], { severity: 'error', rule: 'schema', message })];
  }
  return Object.entries(entries)
    .filter(([, value]) => typeof value !== 'string')
    .map(([name]) => {
      const message = `metadata.${field} must hold text only, and ${name} is none; put its value in quotes.`;
      return findingAt(manifest, ['metadata', field, name], { severity: 'error', rule: 'schema', message });
    });
}

function checkEffect(kind: KindName, manifest: Manifest): Finding[] {
  return fieldsNotInEffect(kind, manifest.value['spec']).map(({ path, message }) =>
    findingAt(manifest, path, { severity: 'warning', rule: 'not-in-effect', message }),
  );
}
