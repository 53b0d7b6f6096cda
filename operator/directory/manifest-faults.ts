/** What is wrong with one manifest: what an API server would refuse, and what it would drop without a word. */
import { isKindName, type KindName } from '../api/kinds.ts';
import type { Path } from '../api/path.ts';
import { checkObject, checkTexts } from '../check/object.ts';
import type { FaultEffect } from '../core/model.ts';
import { judgeSpec } from '../core/parse.ts';
import { isRecord } from '../manifests/classify.ts';
import type { Manifest, Source } from '../manifests/parse.ts';

/** One thing that is wrong, and what becomes of the object. */
export interface Fault {
  readonly source: Source;
  readonly message: string;
  readonly effect: FaultEffect;
}

export interface ManifestFaults {
  /** The object must not be taken as it is written. */
  readonly refusals: readonly Place[];
  /** It can be taken; this part of it does nothing. */
  readonly warnings: readonly Place[];
  /** The core refuses it in the same words: there is no need to tell it. */
  readonly isKnownToCore: boolean;
}

interface Place {
  readonly source: Source;
  readonly message: string;
}

/** @param before the manifest that was taken last, for what may not change. */
export function faultsIn(manifest: Manifest, before: Pick<Manifest, 'value'> | undefined): ManifestFaults {
  const { kind } = manifest;
  if (!isKindName(kind)) {
    const refusals = [...textFaults(manifest), ...(kind === 'Secret' ? dataFaults(manifest) : [])];
    return { refusals, warnings: [], isKnownToCore: false };
  }
  const findings = checkObject(kind, manifest).filter(({ rule }) => rule !== 'not-in-effect');
  const spec = judgeSpec(kind, manifest, manifest.value['spec'], specBefore(kind, manifest, before));
  const specFaults = spec.ok ? [] : spec.problems.map(({ path, message }) => at(manifest, path, message));
  const others = findings.filter(({ rule, message }) => rule === 'schema' && !has(specFaults, message));
  return {
    refusals: [...others, ...specFaults],
    warnings: findings.filter(({ rule }) => rule !== 'schema'),
    isKnownToCore: others.length === 0,
  };
}

/** With its defaults, as an API server compares it. */
function specBefore(kind: KindName, manifest: Manifest, before: Pick<Manifest, 'value'> | undefined): unknown {
  if (before === undefined) return undefined;
  const spec = judgeSpec(kind, manifest, before.value['spec']);
  return spec.ok ? spec.spec : undefined;
}

function textFaults(manifest: Manifest): readonly Place[] {
  return [...checkTexts(manifest, 'labels'), ...checkTexts(manifest, 'annotations')];
}

/** RFC 4648 section 4, as an API server decodes it; line ends are let through. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Says nothing of the values: they are secret. */
function dataFaults(manifest: Manifest): Place[] {
  const { data, stringData } = manifest.value;
  return [
    ...valueFaults(manifest, 'stringData', stringData, (value) =>
      typeof value === 'string' ? undefined : 'must be text; put it in quotes',
    ),
    ...valueFaults(manifest, 'data', data, (value) =>
      typeof value === 'string' && BASE64.test(value.replace(/[\r\n]/g, ''))
        ? undefined
        : 'must be base64; encode it, or write it under stringData as it is',
    ),
  ];
}

function valueFaults(
  manifest: Manifest,
  field: 'data' | 'stringData',
  values: unknown,
  objectionTo: (value: unknown) => string | undefined,
): Place[] {
  if (values === undefined || values === null) return [];
  if (!isRecord(values)) return [at(manifest, [field], `${field} must be a mapping of keys to text.`)];
  return Object.entries(values).flatMap(([key, value]) => {
    const objection = objectionTo(value);
    return objection === undefined ? [] : [at(manifest, [field, key], `${field}.${key} ${objection}.`)];
  });
}

function at(manifest: Manifest, path: Path, message: string): Place {
  return { source: manifest.locate(path), message };
}

function has(places: readonly Place[], message: string): boolean {
  return places.some((place) => place.message === message);
}
