/**
 * The core's objections as findings: how severe each is when the manifests may not be all there is, and which field to
 * point at. What is merely missing from them may be in the cluster: that is a warning, unless its neighbours are here.
 */
import { asRecord, textAt, texts } from '../api/plain-data.ts';
import type { Manifest } from '../manifests/parse.ts';
import type { Condition } from '../api/common.ts';
import { formatPath, type Path } from '../api/path.ts';
import type { PlannedStatus } from '../core/model.ts';
import { DEFAULT_LIST_ANNOTATION } from '../core/names.ts';
import { canonicalSender } from '../../relay/address.ts';
import type { Finding } from './finding.ts';
import { mostSimilar } from './similar.ts';

/** What there is beside an object. */
export interface Surroundings {
  /** Whether there may be more of it than is known here. */
  readonly isPart: boolean;
  /** By kind and `NAMESPACE/NAME`; a Namespace has an empty namespace. */
  readonly find: (kind: Manifest['kind'], key: string) => Manifest | undefined;
  readonly namesOf: (kind: Manifest['kind'], namespace: string) => readonly string[];
}

export interface CheckedObject {
  /** As it is written. */
  readonly manifest: Manifest;
  readonly surroundings: Surroundings;
  readonly status: PlannedStatus;
}

export type ManifestObjection = Pick<Finding, 'severity' | 'rule' | 'message'> & { readonly path: Path };

/** The conditions that manifests can tell something about; the others are about what happens in a cluster. */
const JUDGED: ReadonlySet<string> = new Set(['Accepted', 'UpstreamResolved', 'CredentialsReady', 'Verified']);

/** What a condition that the core would set means for a merge; none where it is no concern of the manifests. */
export function objectionTo(condition: Condition, subject: CheckedObject): ManifestObjection[] {
  const { type, reason: rule, message } = condition;
  if (type === 'SendersVerified') return uncovered(subject);
  if (type === 'Active') return withoutSenders(condition, subject);
  if (!JUDGED.has(type)) return [];
  const path = subject.status.fields?.get(type) ?? ['spec'];
  switch (rule) {
    case 'ListNotFound':
      return [listNotFound(subject, message, path)];
    case 'NamespaceNotAllowed':
      return [namespaceNotAllowed(subject, message, path)];
    case 'RelayClassNotAllowed':
      return [classNotAllowed(subject, message, path)];
    case 'UsernameNotAllowed':
      return [{ severity: knowsSenders(subject) ? 'error' : 'warning', rule, message, path }];
    case 'ListNotAccepted':
      return isOfBuiltInList(subject) ? [{ severity: 'error', rule, message, path }] : [];
    case 'ClassFloor':
    case 'ListCeiling':
      return [{ severity: 'warning', rule, message, path }];
    case 'NotTheDefault':
      return [notTheDefault(subject, path)];
    case 'SecretNotFound':
      return secretNotFound(subject, path);
    case 'TooManyUsers':
    case 'TooManyLists':
    case 'TooManySenders':
      return [{ severity: 'error', rule, message, path: ['metadata', 'namespace'] }];
    case 'PublicSuffix':
    case 'SecretNotOwned':
    case 'SecretNotLabelled':
    case 'KeyNotFound':
    case 'UpstreamNotAllowed':
    case 'CertificateInvalid':
    case 'CredentialsInvalid':
    case 'PasswordUnacceptable':
      return [{ severity: 'error', rule, message, path }];
    default:
      return [];
  }
}

function notTheDefault({ manifest }: CheckedObject, path: Path): ManifestObjection {
  const message = `metadata.annotations: namespace ${manifest.namespace} has several lists with the annotation ${DEFAULT_LIST_ANNOTATION}, but only one can be the default; remove it from the others.`;
  return { severity: 'error', rule: 'NotTheDefault', message, path };
}

function listNotFound({ manifest, surroundings }: CheckedObject, message: string, path: Path): ManifestObjection {
  const { name = '', namespace = manifest.namespace } = texts(asRecord(manifest.value['spec'])['listRef']);
  const neighbours = surroundings.namesOf('SmtpPlusList', namespace);
  const similar = mostSimilar(name, neighbours);
  const hint = similar === undefined ? '' : ` Did you mean ${similar}?`;
  if (neighbours.length > 0 && !surroundings.isPart) {
    return { severity: 'error', rule: 'ListNotFound', message: message + hint, path };
  }
  const unknown = `spec.listRef: SmtpPlusList ${namespace}/${name} is not among what is checked; make sure that the cluster has it.${hint}`;
  return { severity: 'warning', rule: 'ListNotInFolder', message: unknown, path };
}

/** Any other list has a finding of its own. */
function isOfBuiltInList({ manifest, surroundings }: CheckedObject): boolean {
  const { kind, namespace, value } = manifest;
  if (kind !== 'SmtpPlusUser' || textAt(value, 'spec', 'listRef', 'name') !== undefined) return false;
  const lists = surroundings.namesOf('SmtpPlusList', namespace);
  return !lists.some((name) => isDefault(surroundings.find('SmtpPlusList', `${namespace}/${name}`)));
}

function isDefault(list: Manifest | undefined): boolean {
  return textAt(list?.value, 'metadata', 'annotations', DEFAULT_LIST_ANNOTATION) === 'true';
}

function namespaceNotAllowed(
  { manifest, surroundings, status }: CheckedObject,
  message: string,
  path: Path,
): ManifestObjection {
  const { namespace } = status.meta;
  const { name = '', namespace: owner = namespace } = texts(asRecord(manifest.value['spec'])['listRef']);
  const list = surroundings.find('SmtpPlusList', `${owner}/${name}`);
  const from = texts(asRecord(list?.value['spec'])['allowedNamespaces'])['from'];
  const isKnown = list !== undefined && from !== 'Selector';
  if (isKnown || surroundings.find('Namespace', `/${namespace}`) !== undefined) {
    return { severity: 'error', rule: 'NamespaceNotAllowed', message, path };
  }
  const unknown = `SmtpPlusList ${owner}/${name} chooses namespaces by label, and Namespace ${namespace} is not among what is checked; make sure that its labels match.`;
  return { severity: 'warning', rule: 'NamespaceNotInFolder', message: unknown, path };
}

/** A class chooses namespaces by their labels, and these may be written somewhere else. */
function classNotAllowed({ surroundings, status }: CheckedObject, message: string, path: Path): ManifestObjection {
  const { namespace } = status.meta;
  if (surroundings.find('Namespace', `/${namespace}`) !== undefined) {
    return { severity: 'error', rule: 'RelayClassNotAllowed', message, path };
  }
  const unknown = `${message} Relay classes choose namespaces by their labels, and Namespace ${namespace} is not among what is checked.`;
  return { severity: 'warning', rule: 'NamespaceNotInFolder', message: unknown, path };
}

/** Secrets are rarely in Git, and rightly so: only where others of the namespace are there all of them seem to be. */
function secretNotFound({ manifest, surroundings }: CheckedObject, path: Path): ManifestObjection[] {
  if (surroundings.namesOf('Secret', manifest.namespace).length === 0) return [];
  const message = `${formatPath(path)} names a Secret that is not among what is checked; make sure that the cluster has it in namespace ${manifest.namespace}.`;
  return [{ severity: 'warning', rule: 'SecretNotInFolder', message, path }];
}

/** Entries of spec.senders for which even a verified sender would not help. */
function uncovered(subject: CheckedObject): ManifestObjection[] {
  const { status, manifest } = subject;
  if (status.kind !== 'SmtpPlusUser') return [];
  const wish = asRecord(manifest.value['spec'])['senders'];
  const entries = Array.isArray(wish) ? wish.map((entry) => canonicalSender(String(entry))) : [];
  const severity = knowsSenders(subject) ? 'error' : 'warning';
  return (status.status.senders ?? [])
    .filter(({ state }) => state === 'NotCovered')
    .map(({ sender, message = '' }) => {
      const path = ['spec', 'senders', entries.indexOf(sender)];
      return { severity, rule: 'NotCovered', message: `${formatPath(path)}: ${message}`, path };
    });
}

/** A user who is to send and could not, even if every sender of the folder were verified: the cluster may have others. */
function withoutSenders({ reason: rule, message }: Condition, subject: CheckedObject): ManifestObjection[] {
  // where it names senders that nothing covers, each has its finding
  if (rule !== 'NoVerifiedSender' || uncovered(subject).length > 0) return [];
  const isEmpty = Array.isArray(asRecord(subject.manifest.value['spec'])['senders']);
  return [{ severity: 'warning', rule, message, path: ['spec', isEmpty ? 'senders' : 'active'] }];
}

function knowsSenders({ manifest, surroundings }: CheckedObject): boolean {
  return !surroundings.isPart && surroundings.namesOf('VerifiedSender', manifest.namespace).length > 0;
}
