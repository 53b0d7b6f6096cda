/** The input of the core, from a folder: the manifests, and the Secrets of the state folder. */
import { isEqual } from '../core/equal.ts';
import type {
  AcceptedPasswords,
  ClassView,
  Kind,
  ObjectFaults,
  ObjectMeta,
  ProgrammedFact,
  RawObject,
  RelaysFact,
  SecretView,
  SenderEvidence,
  Snapshot,
} from '../core/model.ts';
import type { DkimKeys } from '../core/senders/dkim-model.ts';
import type { UsageFact } from '../core/usage.ts';
import { overflowAmong, whyWaiting } from '../core/namespace-limits.ts';
import type { Settings } from '../settings/settings.ts';
import { dnsVerificationOf } from '../settings/verification.ts';
import { secretReferencesOf } from '../core/secret-references.ts';
import { wishedSecretName } from '../core/users/wishes.ts';
import { createPasswordVerifiers } from '../password-verifiers.ts';
import { asRecord, texts } from '../api/plain-data.ts';
import { viewSecretManifest } from '../manifests/secrets.ts';
import type { Installation } from '../installation.ts';
import type { EvidenceFolder } from './evidence.ts';
import type { InForce } from './in-force.ts';
import type { FolderMailProofs } from './mail-proofs.ts';
import { hashSpec } from './memory.ts';
import type { Memory } from './memory.ts';
import type { Manifest } from '../manifests/parse.ts';
import type { FolderReading } from '../manifests/read.ts';
import { viewClass, type ClassServer } from '../settings/class-view.ts';

export interface GatherOptions {
  readonly settings: Settings;
  readonly installation: Installation;
  readonly memory: Memory;
  readonly evidence: Pick<EvidenceFolder<SenderEvidence>, 'all'>;
  readonly keys: Pick<EvidenceFolder<DkimKeys>, 'allKept'>;
  readonly mailProofs: Pick<FolderMailProofs, 'evidence' | 'verification'>;
  /** Ports that listen, in order of preference. */
  readonly ports: readonly number[];
  readonly implicitTlsPorts: readonly number[];
  /** PEM of the relay's own CA. */
  readonly caCertificate: string | undefined;
  /** What the relay was told before this process. */
  readonly accepted: ReadonlyMap<string, AcceptedPasswords>;
  /** See Snapshot. */
  readonly howToVouch?: string;
}

/** What is known of the relay in the same process. */
export interface RelayFacts {
  readonly programmed: ProgrammedFact;
  /** By class. */
  readonly relayFacts: ReadonlyMap<string, RelaysFact>;
  readonly usage: ReadonlyMap<string, UsageFact>;
}

interface GatheredParts extends RelayFacts {
  readonly manifests: FolderReading;
  readonly faultsOf: InForce['faultsOf'];
  /** Secrets of the state folder, by `NAMESPACE/NAME`. */
  readonly own: ReadonlyMap<string, SecretView>;
}

/** Turns readings of the manifests and of the state folder's Secrets into a snapshot. */
export function createGatherer(options: GatherOptions): (parts: GatheredParts) => Promise<Snapshot> {
  const withVerifiers = createPasswordVerifiers(options.installation.saltFor);
  const toObject = rememberingObjects(options);
  const verification = { ...dnsVerificationOf(options.settings.verification), endpoints: 'NoCluster' } as const;
  const { verification: mailVerification } = options.mailProofs;

  return async ({ manifests, faultsOf, own, programmed, relayFacts, usage }) => {
    const objects = manifests.manifests.flatMap((manifest) => toObject(manifest, faultsOf(manifest)));
    const secrets = new Map(own);
    // a Secret among the manifests is somebody's own: it is never ours, whatever owner it claims
    const passwordKeys = referencedPasswords(withoutThoseWhoWait(objects, options.settings));
    for (const manifest of manifests.manifests) {
      if (manifest.kind !== 'Secret') continue;
      const key = `${manifest.namespace}/${manifest.name}`;
      const view = { ...viewSecretManifest(manifest), isOthers: true, verifiers: {} } as const;
      secrets.set(key, await withVerifiers(view, passwordKeys.get(key) ?? []));
    }
    return {
      classes: await viewClasses(options),
      namespaces: viewNamespaces(manifests.manifests),
      objects,
      secrets,
      evidence: options.evidence.all(),
      keys: options.keys.allKept(),
      verification,
      mail: options.mailProofs.evidence.all(),
      ...(mailVerification !== undefined && { mailVerification }),
      namespaceLimits: options.settings.namespaceLimits,
      ...(options.howToVouch === undefined ? {} : { howToVouch: options.howToVouch }),
      accepted: options.accepted,
      programmed: new Map([[options.settings.relayClass, programmed]]),
      relayFacts,
      usage,
    };
  };
}

/** The same object for the same manifest and memory of it: the core does not parse again what is identical. */
function rememberingObjects({ installation, memory }: GatherOptions) {
  const known = new WeakMap<Manifest, { readonly object: RawObject; readonly specHash: string }>();

  return (manifest: Manifest, faults: ObjectFaults | undefined): RawObject[] => {
    const { kind, namespace, name, value } = manifest;
    if (kind === 'Secret' || kind === 'Namespace') return [];
    const key = { kind, namespace, name } satisfies { kind: Kind; namespace: string; name: string };
    const made = known.get(manifest);
    const specHash = made?.specHash ?? hashSpec(value['spec']);
    const generation = memory.generationOf(key, specHash);
    const status = memory.statusOf(key);
    const isAsMade =
      made?.object.meta.generation === generation &&
      made.object.status === status &&
      isEqual(made.object.faults, faults);
    if (isAsMade) return [made.object];
    const metadata = asRecord(value['metadata']);
    const meta: ObjectMeta = {
      namespace,
      name,
      uid: installation.uidOf(kind, namespace, name),
      generation,
      labels: texts(metadata['labels']),
      annotations: texts(metadata['annotations']),
    };
    const object: RawObject = {
      kind,
      meta,
      spec: value['spec'],
      ...(faults === undefined ? {} : { faults }),
      ...(status === undefined ? {} : { status }),
    };
    known.set(manifest, { object, specHash });
    return [object];
  };
}

/** The Secret that each user asks for, and the user's UID. */
export function secretsWanted(manifests: readonly Manifest[], { uidOf }: Installation) {
  return manifests.flatMap(({ kind, namespace, name, value }) => {
    if (kind !== 'SmtpPlusUser') return [];
    const secret = wishedSecretName({ meta: { namespace, name }, spec: value['spec'] });
    return [{ key: `${namespace}/${secret}`, uid: () => uidOf(kind, namespace, name) }];
  });
}

/** For users who are not served no password is hashed. */
function withoutThoseWhoWait(objects: readonly RawObject[], settings: Settings): readonly RawObject[] {
  const users = objects.filter(({ kind }) => kind === 'SmtpPlusUser');
  const byNamespace = Map.groupBy(users, ({ meta }) => meta.namespace);
  return [...byNamespace.values()].flatMap((some) => {
    const overflow = overflowAmong(some, settings);
    return overflow === undefined ? some : some.filter((user) => whyWaiting(overflow, user) === undefined);
  });
}

/** Keys of Secrets that users name as their password, by `NAMESPACE/NAME` of the Secret. */
function referencedPasswords(objects: readonly RawObject[]): ReadonlyMap<string, ReadonlySet<string>> {
  const keys = new Map<string, Set<string>>();
  for (const { secret, passwordKey } of objects.flatMap(secretReferencesOf)) {
    if (passwordKey !== undefined) keys.set(secret, (keys.get(secret) ?? new Set()).add(passwordKey));
  }
  return keys;
}

async function viewClasses(options: GatherOptions): Promise<ReadonlyMap<string, ClassView>> {
  const classes = new Map<string, ClassView>();
  for (const [name, settings] of Object.entries(options.settings.classes)) {
    const server = name === options.settings.relayClass ? serverHere(options) : ELSEWHERE;
    const { logKeyOf, counterKeyOf } = options.installation;
    const keys = { logKey: logKeyOf(name), counterKey: counterKeyOf(name) };
    classes.set(name, await viewClass(settings, server, keys));
  }
  return classes;
}

/** A class that another process serves: what it listens on and who has signed for it, only its settings can tell. */
const ELSEWHERE: ClassServer = { runsIn: 'oneProcess', ports: [], implicitTlsPorts: [] };

function serverHere({ ports, implicitTlsPorts, caCertificate }: GatherOptions): ClassServer {
  return { runsIn: 'oneProcess', ports, implicitTlsPorts, ...(caCertificate === undefined ? {} : { caCertificate }) };
}

/** A namespace that objects merely mention is there too, and each has the label that an API server gives it. */
function viewNamespaces(manifests: readonly Manifest[]): Snapshot['namespaces'] {
  const namespaces = new Map<string, Readonly<Record<string, string>>>();
  for (const { kind, namespace } of manifests) if (kind !== 'Namespace') namespaces.set(namespace, implied(namespace));
  for (const { kind, name, value } of manifests) {
    if (kind !== 'Namespace') continue;
    namespaces.set(name, { ...texts(asRecord(value['metadata'])['labels']), ...implied(name) });
  }
  return namespaces;
}

function implied(namespace: string): Readonly<Record<string, string>> {
  return { 'kubernetes.io/metadata.name': namespace };
}
