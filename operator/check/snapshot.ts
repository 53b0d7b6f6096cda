/**
 * Manifests as a snapshot for the core, at its most lenient: every sender is verified, and a relay class that no
 * settings define allows everything. What the core objects to even then, no class and no DNS record can put right.
 */
import { asRecord, texts } from '../api/plain-data.ts';
import { viewSecretManifest } from '../manifests/secrets.ts';
import type { Manifest } from '../manifests/parse.ts';
import { isKindName } from '../api/kinds.ts';
import type { ClassView, Issuer, RawObject, SecretView, Snapshot } from '../core/model.ts';
import { DEFAULT_CLASS, NAMESPACE_NAME_LABEL } from '../core/names.ts';
import { classSettingsSchema, type ClassSettings, type NamespaceLimits, type Settings } from '../settings/settings.ts';
import { addressesOfLists } from '../settings/list-upstream.ts';
import { classOf } from './classes.ts';

const CREATED = '2000-01-01T00:00:00Z';
/** After `CREATED`: class settings that verify every sender which existed before. */
const LATER = '2001-01-01T00:00:00Z';
export const NOW = new Date(LATER);

/** Nothing here leaves the process: passwords and tokens are never written anywhere. */
export const issuer: Issuer = {
  newPassword: () => ({ password: 'unused', verifier: 'unused' }),
  verifierOf: () => undefined,
  fits: () => false,
  isFor: () => false,
  seal: () => 'unused',
  challengeToken: () => 'unused',
  operatorVerifier: () => 'unused',
  codeHash: () => 'unused',
};

/** As much of the settings as is known. */
export interface KnownSettings {
  readonly classes?: Settings['classes'] | undefined;
  readonly namespaceLimits?: NamespaceLimits | undefined;
}

export function snapshotOf(manifests: readonly Manifest[], { classes, namespaceLimits }: KnownSettings = {}): Snapshot {
  const secrets = manifests.filter(({ kind }) => kind === 'Secret').map(viewOf);
  return {
    classes: viewsOf(manifests, classes),
    namespaces: namespacesOf(manifests),
    objects: manifests.flatMap(toObject),
    secrets: new Map(secrets.map((secret) => [`${secret.namespace}/${secret.name}`, secret])),
    evidence: new Map(),
    mail: new Map(),
    verification: { graceSeconds: 0 },
    ...(namespaceLimits && { namespaceLimits }),
    programmed: new Map(),
  };
}

const lenientSettings = classSettingsSchema.parse({
  starttls: 'Optional',
  senderPolicy: {
    envelopeFrom: 'Audit',
    headerFrom: 'Audit',
    displayName: 'Allow',
    sender: 'Any',
    replyTo: 'Any',
    nullSender: 'Allow',
    bcc: 'Keep',
  },
  existingSendersBefore: LATER,
});

const lenientClass: ClassView = {
  settings: lenientSettings,
  listAddresses: addressesOf(lenientSettings),
  upstream: { kind: 'capture' },
  ports: [587],
  implicitTlsPorts: [],
};

/** Where mail goes, and what is listening, is no concern of manifests. */
function viewsOf(manifests: readonly Manifest[], classes: Settings['classes'] | undefined): Snapshot['classes'] {
  const named = manifests.filter(({ kind }) => kind === 'SmtpPlusList').map(classOf);
  return new Map([
    ...[...named, ...(classes === undefined ? [DEFAULT_CLASS] : [])].map((name) => [name, lenientClass] as const),
    ...Object.entries(classes ?? {}).map(([name, settings]) => [name, lenientlyVerifying(settings)] as const),
  ]);
}

function lenientlyVerifying(settings: ClassSettings): ClassView {
  return {
    ...lenientClass,
    listAddresses: addressesOf(settings),
    settings: { ...settings, existingSendersBefore: LATER },
  };
}

/** Whether they are for a cluster the settings do not say: the wider of the two defaults. */
function addressesOf({ allowListUpstream }: ClassSettings): ClassView['listAddresses'] {
  return addressesOfLists(allowListUpstream, 'oneProcess');
}

function namespacesOf(manifests: readonly Manifest[]): Snapshot['namespaces'] {
  const labels = new Map<string, Readonly<Record<string, string>>>();
  for (const { kind, namespace, name, value } of manifests) {
    const ours = kind === 'Namespace' ? texts(asRecord(value['metadata'])['labels']) : {};
    const key = kind === 'Namespace' ? name : namespace;
    labels.set(key, { ...labels.get(key), ...ours, [NAMESPACE_NAME_LABEL]: key });
  }
  return labels;
}

function toObject({ kind, namespace, name, value }: Manifest): RawObject[] {
  if (!isKindName(kind)) return [];
  const metadata = asRecord(value['metadata']);
  const meta = {
    namespace,
    name,
    uid: `${kind}/${namespace}/${name}`,
    generation: 1,
    creationTimestamp: CREATED,
    labels: texts(metadata['labels']),
    annotations: texts(metadata['annotations']),
  };
  return [{ kind, meta, spec: value['spec'] }];
}

/** Hashing passwords costs 25 ms each, and nobody logs in here. */
function viewOf(manifest: Manifest): SecretView {
  const view = viewSecretManifest(manifest);
  const verifiers = Object.fromEntries(Object.keys(view.data).map((key) => [key, 'unused']));
  return { ...view, isOthers: true, verifiers };
}
