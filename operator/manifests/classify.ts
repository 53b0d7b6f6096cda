import { API_VERSION, GROUP } from '../api/common.ts';
import { isKindName, kindNames, type KindName } from '../api/kinds.ts';
import { labelName, objectName, type ObjectName } from '../api/names.ts';
import type { Path } from '../api/path.ts';
import { isRecord } from '../api/plain-data.ts';

type ManifestKind = KindName | 'Secret' | 'Namespace';

/** An object as plain data, with the parts of its metadata that name it. */
export interface NamedObject extends ObjectName {
  /** The namespace of a Namespace is empty. */
  readonly kind: ManifestKind;
  readonly value: Readonly<Record<string, unknown>>;
}

type Slip = Extract<Classified, { readonly as: 'problem' }>;

export type Classified =
  | { readonly as: 'manifest'; readonly object: NamedObject }
  | { readonly as: 'list'; readonly items: readonly unknown[] }
  /** Of no concern here; `what` is `apps/v1 Deployment`, or empty for a document that is no Kubernetes object. */
  | { readonly as: 'ignored'; readonly what: string }
  | {
      readonly as: 'problem';
      readonly reason: 'shape' | 'unknown-kind' | 'foreign-group' | 'bad-name';
      readonly at: Path;
      readonly message: string;
      readonly names?: ObjectName;
    };

const DEFAULT_NAMESPACE = 'default';

/** Whether a name may be a namespace's. Names become file names in the state folder, so nothing else may pass. */
export function isNamespaceName(name: string): boolean {
  return labelName.safeParse(name).success;
}

/** Whether a name may be an object's. */
export function isObjectName(name: string): boolean {
  return objectName.safeParse(name).success;
}

/** Says what one YAML document, or one item of a list, is. */
export function classify(value: unknown): Classified {
  if (!isRecord(value)) return shape([], 'is no Kubernetes object: it must be a mapping with apiVersion and kind');
  const { apiVersion, kind } = value;
  if (apiVersion === undefined && kind === undefined) return withoutKind(value);
  if (isMissing(apiVersion)) return shape(['apiVersion'], 'apiVersion is missing');
  if (isMissing(kind)) return shape(['kind'], 'kind is missing');
  if (typeof apiVersion !== 'string') return shape(['apiVersion'], noText('apiVersion', apiVersion));
  if (typeof kind !== 'string') return shape(['kind'], noText('kind', kind));

  const known = isOurs(apiVersion, kind);
  if (known !== undefined) return named(known, value);
  // after the kinds themselves: SmtpPlusList ends in "List" and is none
  if (kind.endsWith('List') && isOurs(apiVersion, kind.slice(0, -4)) !== undefined) return list(kind, value);
  if (apiVersion === 'v1' && kind === 'List') return list(kind, value);
  if (apiVersion === GROUP || apiVersion.startsWith(`${GROUP}/`)) return withName(unknownKind(apiVersion, kind), value);
  // a slip in the group must not make an object one that nobody looks at
  if (kindNames.some((ours) => kind === ours || kind === `${ours}List`))
    return withName(foreignGroup(apiVersion, kind), value);
  return { as: 'ignored', what: `${apiVersion} ${kind}` };
}

/** A slip in its kind leaves an object its name. */
function withName(problem: Slip, { metadata }: Readonly<Record<string, unknown>>): Slip {
  const { name, namespace = DEFAULT_NAMESPACE } = isRecord(metadata) ? metadata : {};
  const isNamed = typeof name === 'string' && typeof namespace === 'string';
  return isNamed ? { ...problem, names: { namespace, name } } : problem;
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function isOurs(apiVersion: string, kind: string): ManifestKind | undefined {
  if (isKindName(kind)) return apiVersion === API_VERSION ? kind : undefined;
  return apiVersion === 'v1' && (kind === 'Secret' || kind === 'Namespace') ? kind : undefined;
}

/** Helm values and settings are plain mappings and no fault; an object that lost its head is one. */
function withoutKind(value: Readonly<Record<string, unknown>>): Classified {
  const looksLikeObject = 'metadata' in value && 'spec' in value;
  return looksLikeObject ? shape([], 'apiVersion and kind are missing') : { as: 'ignored', what: '' };
}

function list(kind: string, value: Readonly<Record<string, unknown>>): Classified {
  if (value['items'] === null) return { as: 'list', items: [] };
  if (value['items'] === undefined) return shape([], `${kind} without items`);
  return Array.isArray(value['items'])
    ? { as: 'list', items: value['items'] }
    : shape(['items'], `items of a ${kind} must be a list`);
}

function unknownKind(apiVersion: string, kind: string): Slip {
  const message = `no kind ${clip(kind)} in ${clip(apiVersion)}; ${API_VERSION} has ${kindNames.join(', ')}`;
  return { as: 'problem', reason: 'unknown-kind', at: ['kind'], message };
}

function foreignGroup(apiVersion: string, kind: string): Slip {
  const message = `no kind ${kind} in ${clip(apiVersion)}; did you mean ${API_VERSION}?`;
  return { as: 'problem', reason: 'foreign-group', at: ['apiVersion'], message };
}

function named(kind: ManifestKind, value: Readonly<Record<string, unknown>>): Classified {
  const { metadata } = value;
  if (!isRecord(metadata)) return shape([], `${kind} without metadata`);
  const { name } = metadata;
  if (isMissing(name)) {
    return badName(['metadata', 'name'], `${kind} without a name`);
  }
  if (typeof name !== 'string') return badName(['metadata', 'name'], noText('metadata.name', name));
  const mayBeNamed = kind === 'Namespace' ? isNamespaceName(name) : isObjectName(name);
  if (!mayBeNamed) {
    return badName(['metadata', 'name'], `"${clip(name)}" is no valid name: use lower-case letters, digits, - and .`);
  }
  if (kind === 'Namespace') return { as: 'manifest', object: { kind, namespace: '', name, value } };
  const namespace = metadata['namespace'] ?? DEFAULT_NAMESPACE;
  if (typeof namespace !== 'string') {
    return badName(['metadata', 'namespace'], noText('metadata.namespace', namespace));
  }
  if (!isNamespaceName(namespace)) {
    return badName(
      ['metadata', 'namespace'],
      'metadata.namespace is no valid name: use lower-case letters, digits and -',
    );
  }
  return { as: 'manifest', object: { kind, namespace, name, value } };
}

function shape(at: Path, message: string): Classified {
  return { as: 'problem', reason: 'shape', at, message };
}

function badName(at: Path, message: string): Classified {
  return { as: 'problem', reason: 'bad-name', at, message };
}

/** YAML 1.1 reads `y`, `no`, `on` and `123` as something else than text. */
function noText(field: string, value: unknown): string {
  const isPlain = typeof value === 'boolean' || typeof value === 'number';
  const mend = isPlain ? `it is ${value}: put it in quotes` : `it is a ${Array.isArray(value) ? 'list' : 'mapping'}`;
  return `${field} must be text; ${mend}`;
}

function clip(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}...` : text;
}
