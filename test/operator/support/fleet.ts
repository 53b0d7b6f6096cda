/** A fleet of relays as the chart makes it, and what a kubelet and the StatefulSet's controller would do with it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { bodyOf } from '../../../operator/kubernetes/client/answers.ts';
import { CLAIMS, pathOf, STATEFUL_SETS } from '../../../operator/kubernetes/client/resources.ts';
import type { Admin, LiveObject, Manifest } from './admin.ts';
import { OPERATOR_NAMESPACE } from './operator.ts';
import { makeReadyPod } from './relay-pod.ts';

const CLASS_LABELS = { 'smtpplus.io/relay-class': 'default' };
const FLEET = 'smtp-plus-relay';

export const claimOf = (relay: string): string => `spool-${relay}`;

export function createFleet(admin: Admin) {
  const namespace = OPERATOR_NAMESPACE;
  const put = async (resource: typeof CLAIMS, manifest: Manifest): Promise<void> => {
    const target = { namespace, name: manifest.metadata.name };
    const path = `${pathOf(resource, target)}?fieldManager=test&force=true`;
    const contentType = 'application/apply-patch+yaml';
    bodyOf(await admin.client.request({ method: 'PATCH', path, contentType, body: manifest }), target.name);
  };

  async function end(name: string, message: string | undefined, phase: 'Running' | 'Succeeded'): Promise<void> {
    const terminated = { exitCode: 0, ...(message !== undefined && { message }) };
    const status = { name: 'relay', image: 'relay', imageID: '', ready: false, restartCount: 0, state: { terminated } };
    await admin.patch('Pod', `${namespace}/${name}`, { status: { phase, containerStatuses: [status] } }, 'status');
  }

  return {
    /** The StatefulSet, with so many relays, and nothing that would make its pods. */
    scale: async (replicas: number): Promise<void> => {
      const file = fileURLToPath(new URL('../../../deploy/relay.yaml', import.meta.url));
      const all = parseAllDocuments(readFileSync(file, 'utf8')).map((one) => one.toJS() as Manifest);
      const set = all.find(({ kind }) => kind === 'StatefulSet');
      if (set === undefined) throw new Error('deploy/relay.yaml has no StatefulSet');
      await put(STATEFUL_SETS, { ...set, spec: { ...(set['spec'] as object), replicas } });
    },
    /** A pod with its volume. */
    startRelay: async (number: number): Promise<void> => {
      const name = `${FLEET}-${number}`;
      await put(CLAIMS, {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: claimOf(name), namespace, labels: CLASS_LABELS },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      });
      await makeReadyPod(admin, { name, port: 1 });
    },
    /** @param left what it says at its end; undefined: it was killed */
    stopRelay: async (number: number, left: number | undefined): Promise<void> => {
      const name = `${FLEET}-${number}`;
      await end(name, left === undefined ? undefined : JSON.stringify({ queued: left }), 'Running');
      await admin.remove('Pod', `${namespace}/${name}`);
    },
    /** Of a pod that empties a volume. */
    drained: (name: string, left: number) => end(name, JSON.stringify({ queued: left }), 'Succeeded'),
    claim: async (relay: string): Promise<LiveObject> => {
      const path = pathOf(CLAIMS, { namespace, name: claimOf(relay) });
      return bodyOf(await admin.client.request<LiveObject>({ method: 'GET', path }), relay);
    },
    annotateClaim: async (relay: string, annotations: object): Promise<void> => {
      const path = pathOf(CLAIMS, { namespace, name: claimOf(relay) });
      const contentType = 'application/merge-patch+json';
      bodyOf(
        await admin.client.request({ method: 'PATCH', path, contentType, body: { metadata: { annotations } } }),
        relay,
      );
    },
    /** With all of its volumes, which nobody here protects for as long as a pod has them. */
    remove: async (): Promise<void> => {
      const list = { method: 'GET', path: pathOf(CLAIMS, { namespace }) } as const;
      const { items } = bodyOf(await admin.client.request<{ items: LiveObject[] }>(list), CLAIMS.kind);
      for (const { metadata } of items) {
        const path = pathOf(CLAIMS, { namespace, name: metadata.name });
        const contentType = 'application/merge-patch+json';
        const body = { metadata: { finalizers: null } };
        bodyOf(await admin.client.request({ method: 'PATCH', path, contentType, body }), metadata.name);
      }
      for (const resource of [CLAIMS, STATEFUL_SETS]) {
        bodyOf(await admin.client.request({ method: 'DELETE', path: pathOf(resource, { namespace }) }), resource.kind);
      }
    },
  };
}
