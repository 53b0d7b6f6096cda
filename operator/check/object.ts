/**
 * What is wrong with one object by itself: everything that an API server would refuse, or silently drop. `check`
 * reports it, and the directory adapter acts on it: a manifest is judged in one place.
 */
import { isKindName, type KindName } from '../api/kinds.ts';
import { isEqual } from '../core/equal.ts';
import { judgeSpec } from '../core/parse.ts';
import type { Manifest } from '../manifests/parse.ts';
import { findingAt, type Finding } from './finding.ts';
import { checkSecretData } from './secret-data.ts';
import { checkTexts } from './texts.ts';
import { unknownFields } from './unknown-fields.ts';

/** @param before the manifest that was taken last, for what may not change. */
export function checkObject(manifest: Manifest, before?: Pick<Manifest, 'value'>): Finding[] {
  const { kind } = manifest;
  if (!isKindName(kind)) {
    return [...checkTexts(manifest), ...(kind === 'Secret' ? checkSecretData(manifest) : [])];
  }
  return [...checkTexts(manifest), ...unknownFields(kind, manifest), ...checkSpec(kind, manifest, before)];
}

function checkSpec(kind: KindName, manifest: Manifest, before: Pick<Manifest, 'value'> | undefined): Finding[] {
  const result = judgeSpec(kind, manifest, manifest.value['spec'], specBefore(kind, manifest, before));
  if (result.ok) return [];
  return result.problems.map(({ path, message }) =>
    findingAt(manifest, path, { severity: 'error', rule: 'schema', message }),
  );
}

/** With its defaults, as an API server compares it. */
function specBefore(kind: KindName, manifest: Manifest, before: Pick<Manifest, 'value'> | undefined): unknown {
  // what stays as it was changes nothing that may not change
  if (before === undefined || isEqual(before.value['spec'], manifest.value['spec'])) return undefined;
  const spec = judgeSpec(kind, manifest, before.value['spec']);
  return spec.ok ? spec.spec : undefined;
}
