/** What becomes of one manifest, given the findings of `check` about it. */
import { isKindName } from '../api/kinds.ts';
import type { Finding } from '../check/finding.ts';
import { checkObject } from '../check/object.ts';
import type { FaultEffect } from '../core/model.ts';
import { judgeSpec } from '../core/parse.ts';
import type { Manifest } from '../manifests/parse.ts';

/** One thing that is wrong, and what becomes of the object. */
export interface ManifestFault extends Pick<Finding, 'source' | 'rule' | 'message'> {
  readonly effect: FaultEffect;
}

export interface ManifestFaults {
  /** The object must not be taken as it is written. */
  readonly refusals: readonly Finding[];
  /** It can be taken; this part of it does nothing. */
  readonly warnings: readonly Finding[];
  /** The core refuses it in the same words: there is no need to tell it. */
  readonly isKnownToCore: boolean;
}

/** @param before the manifest that was taken last, for what may not change. */
export function faultsIn(manifest: Manifest, before: Pick<Manifest, 'value'> | undefined): ManifestFaults {
  const findings = checkObject(manifest, before);
  const refusals = findings.filter(({ rule }) => rule === 'schema');
  const warnings = findings.filter(({ rule }) => rule !== 'schema');
  return { refusals, warnings, isKnownToCore: refusals.length === problemsForCore(manifest) };
}

function problemsForCore(manifest: Manifest): number {
  const { kind, value } = manifest;
  const judged = isKindName(kind) ? judgeSpec(kind, manifest, value['spec']) : undefined;
  return judged === undefined || judged.ok ? 0 : judged.problems.length;
}
