/**
 * Manifests with their slips left out, as the core would take them: so what objects say about each other can be
 * reported in the same round, and a slip in one object does not make its neighbours look wrong.
 */
import { isKindName, type KindName } from '../api/kinds.ts';
import type { Path } from '../api/path.ts';
import { withoutFaults } from '../api/without-faults.ts';
import { judgeSpec } from '../core/parse.ts';
import { asRecord } from '../api/plain-data.ts';
import type { Manifest } from '../manifests/parse.ts';

/** Taking something out can make the mapping around it faulty, and so on: no spec is as deep as this. */
const ROUNDS_MAX = 16;

/** The same manifest where nothing is wrong with its spec; undefined where nothing is left of it. */
export function mended(manifest: Manifest): Manifest | undefined {
  const { kind, value } = manifest;
  if (!isKindName(kind)) return manifest;
  const spec = soundSpec(kind, manifest, value['spec']);
  if (spec === undefined) return undefined;
  return spec === value['spec'] ? manifest : { ...manifest, value: { ...value, spec } };
}

function soundSpec(kind: KindName, meta: Manifest, written: unknown): unknown {
  let spec = written;
  for (let round = 0; round < ROUNDS_MAX && spec !== undefined; round += 1) {
    const judged = judgeSpec(kind, meta, spec);
    if (judged.ok) return spec;
    spec = leaveOut(
      spec,
      judged.problems.map(({ path }) => path),
    );
  }
  return undefined;
}

function leaveOut(spec: unknown, faults: readonly Path[]): unknown {
  const rest = withoutFaults(spec, faults)?.spec;
  const isAboutOthers = faults.some(([, field]) => field === 'allowedNamespaces');
  // whom it allows nobody can tell: a user of another namespace is not wrong for that
  return isAboutOthers && rest !== undefined ? { ...asRecord(rest), allowedNamespaces: { from: 'All' } } : rest;
}
