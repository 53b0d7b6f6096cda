/** Values of a Secret that an API server refuses. Never says what the values are: they are secret. */
import { isRecord } from '../api/plain-data.ts';
import type { Manifest } from '../manifests/parse.ts';
import { findingAt, type Finding } from './finding.ts';

/** RFC 4648 section 4, as an API server decodes it; line ends are let through. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export function checkSecretData(manifest: Manifest): Finding[] {
  return [
    ...checkValues(manifest, 'stringData', (value) =>
      typeof value === 'string' ? undefined : 'must be text; put it in quotes',
    ),
    ...checkValues(manifest, 'data', (value) =>
      typeof value === 'string' && BASE64.test(value.replace(/[\r\n]/g, ''))
        ? undefined
        : 'must be base64; encode it, or write it under stringData as it is',
    ),
  ];
}

function checkValues(
  manifest: Manifest,
  field: 'data' | 'stringData',
  objectionTo: (value: unknown) => string | undefined,
): Finding[] {
  const values = manifest.value[field];
  if (values === undefined || values === null) return [];
  const finding = (path: readonly string[], message: string): Finding =>
    findingAt(manifest, path, { severity: 'error', rule: 'schema', message });
  if (!isRecord(values)) return [finding([field], `${field} must be a mapping of keys to text.`)];
  return Object.entries(values).flatMap(([key, value]) => {
    const objection = objectionTo(value);
    return objection === undefined ? [] : [finding([field, key], `${field}.${key} ${objection}.`)];
  });
}
