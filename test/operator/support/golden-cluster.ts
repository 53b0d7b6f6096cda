/** Brings a golden input to the API server, lets an operator work on it, and reads what has become of it. */
import { isKindName } from '../../../operator/api/kinds.ts';
import { OWNER_ANNOTATION } from '../../../operator/core/names.ts';
import { CONFIG_LABEL } from '../../../operator/kubernetes/cache/secret-cache.ts';
import { bodyOf } from '../../../operator/kubernetes/client/answers.ts';
import {
  KIND_RESOURCES,
  pathOf,
  SECRETS,
  USERS,
  type Resource,
} from '../../../operator/kubernetes/client/resources.ts';
import type { ControlPlane } from '../../support/control-plane.ts';
import {
  goldenUid,
  isOwnSecret,
  keyOf,
  withoutSlowHashes,
  type EndState,
  type Golden,
  type Manifest,
} from '../../support/golden/end-state.ts';
import { namespace as namespaceOf, type Admin, type LiveObject } from './admin.ts';
import { OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './operator.ts';

/** Keeps what is being deleted. */
const FINALIZER = 'test.smtpplus.io/keep';
/** Times of creation are whole seconds. */
const SECOND_MS = 1000;

/** @param pause Waits for so many milliseconds of real time. */
export async function applyGolden(
  admin: Admin,
  { manifests, snapshot }: Golden,
  pause: (milliseconds: number) => Promise<unknown>,
): Promise<void> {
  for (const name of namespacesOf(manifests))
    await admin.apply(namespaceOf(name, { ...snapshot.namespaces.get(name) }));
  const created = (one: Manifest) => one.metadata.creationTimestamp ?? '';
  const objects = manifests.filter(({ kind }) => isKindName(kind)).sort((a, b) => (created(a) < created(b) ? -1 : 1));
  const uids = new Map<string, string>();
  for (const [index, object] of objects.entries()) {
    if (index > 0 && created(object) !== created(objects[index - 1] ?? object)) await pause(SECOND_MS);
    const isGoing = object.metadata.deletionTimestamp !== undefined;
    await admin.apply({
      ...object,
      status: undefined,
      metadata: { ...plainMeta(object), ...(isGoing && { finalizers: [FINALIZER] }) },
    });
    const { status } = object;
    if (status !== undefined) await admin.patch(object.kind, keyOf(object), { status }, 'status');
    if (isGoing) await admin.remove(object.kind, keyOf(object));
    const { metadata } = (await admin.get(object.kind, keyOf(object))) ?? { metadata: undefined };
    if (object.kind === 'SmtpPlusUser') uids.set(goldenUid(keyOf(object)), metadata?.uid ?? '');
  }
  for (const secret of manifests.filter(({ kind }) => kind === 'Secret')) {
    const ownerReferences = secret.metadata.ownerReferences?.map((one) => ({
      ...one,
      uid: uids.get(one.uid) ?? one.uid,
    }));
    const { annotations, ...meta } = plainMeta(secret);
    const metadata = {
      ...meta,
      annotations: withOwner(annotations, uids),
      ...(isOwnSecret(secret) && { ownerReferences }),
    };
    await admin.apply({ ...secret, metadata });
  }
}

/** The annotation that says whose a Secret is, with the UID of another world. */
function withOwner(
  annotations: Readonly<Record<string, string>>,
  uids: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const text = annotations[OWNER_ANNOTATION];
  if (text === undefined) return annotations;
  const owner = JSON.parse(text) as { readonly uid: string };
  return { ...annotations, [OWNER_ANNOTATION]: JSON.stringify({ ...owner, uid: uids.get(owner.uid) ?? owner.uid }) };
}

function plainMeta({ metadata: { name, namespace = 'default', labels = {}, annotations = {} } }: Manifest) {
  return { name, namespace, labels, annotations };
}

export function startOnGolden(cluster: ControlPlane, kubeconfig: string, golden: Golden): Promise<TestOperator> {
  const { installation, snapshot } = golden;
  return startTestOperator(cluster, kubeconfig, {
    instead: { installation, readClasses: async () => snapshot.classes },
  });
}

/** Everything that a golden speaks of, as it is in the cluster. */
export async function readEndState(admin: Admin, { manifests }: Golden): Promise<EndState> {
  const secrets: Record<string, EndState['secrets'][string]> = {};
  const statuses: Record<string, unknown> = {};
  for (const namespace of namespacesOf(manifests)) {
    const users = await listOf(admin, USERS, namespace);
    const uids = new Map(users.map(({ metadata }) => [metadata.uid ?? '', goldenUid(`${namespace}/${metadata.name}`)]));
    for (const { metadata, type, data = {} } of await listOf(admin, SECRETS, namespace)) {
      secrets[`${namespace}/${metadata.name}`] = {
        type: String(type),
        labels: metadata.labels ?? {},
        annotations: withoutSlowHashes(withOwner(metadata.annotations ?? {}, uids)),
        data: Object.fromEntries(
          Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]),
        ),
      };
    }
    for (const [kind, resource] of Object.entries(KIND_RESOURCES)) {
      for (const { metadata, status } of await listOf(admin, resource, namespace)) {
        if (status !== undefined) statuses[`${kind} ${namespace}/${metadata.name}`] = status;
      }
    }
  }
  return { secrets, statuses };
}

/** Leaves the namespaces, empty, and nothing that an operator would remember of them. */
export async function removeGolden(admin: Admin, { manifests }: Golden): Promise<void> {
  for (const object of manifests.filter(({ metadata }) => metadata.deletionTimestamp !== undefined)) {
    await admin.patch(object.kind, keyOf(object), { metadata: { finalizers: null } });
  }
  for (const namespace of namespacesOf(manifests)) {
    for (const resource of [...Object.values(KIND_RESOURCES), SECRETS]) {
      bodyOf(await admin.client.request({ method: 'DELETE', path: pathOf(resource, { namespace }) }), namespace);
    }
  }
  const documents = `${pathOf(SECRETS, { namespace: OPERATOR_NAMESPACE })}?labelSelector=${CONFIG_LABEL}`;
  bodyOf(await admin.client.request({ method: 'DELETE', path: documents }), 'documents of the relays');
}

async function listOf(
  admin: Admin,
  resource: Resource,
  namespace: string,
): Promise<readonly (LiveObject & { type?: unknown })[]> {
  const path = pathOf(resource, { namespace });
  return bodyOf(await admin.client.request<{ items: LiveObject[] }>({ method: 'GET', path }), namespace).items;
}

function namespacesOf(manifests: readonly Manifest[]): ReadonlySet<string> {
  return new Set(
    manifests.map(({ kind, metadata: { name, namespace = 'default' } }) => (kind === 'Namespace' ? name : namespace)),
  );
}
