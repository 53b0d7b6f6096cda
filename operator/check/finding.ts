import type { Manifest, FilePosition } from '../manifests/parse.ts';
import type { Path } from '../api/path.ts';
import type { RuleName } from './rules.ts';

export interface Finding {
  /** An error fails the gate: a cluster would refuse the object, or the operator could not do what it asks for. */
  readonly severity: 'error' | 'warning';
  /** What kind of finding it is, for filters. */
  readonly rule: RuleName;
  readonly source: FilePosition;
  /** `SmtpPlusUser shop/orders`; absent where no object could be read. */
  readonly object?: string;
  /** A full sentence that names the thing and the mend. */
  readonly message: string;
}

/** A finding about a field of an object, at its place in the file. */
export function findingAt(
  manifest: Manifest,
  path: Path,
  finding: Pick<Finding, 'severity' | 'rule' | 'message'>,
): Finding {
  return { ...finding, source: manifest.locate(path), object: nameOf(manifest) };
}

function nameOf({ kind, namespace, name }: Manifest): string {
  return `${kind} ${namespace}/${name}`;
}
