/** SMTP+ on the cluster, as the quick start has it, with a smart host of the test's own. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { ensureCertificates } from '../../operator/self-signed.ts';
import { apply, exists, kubectl } from './kubectl.ts';
import { SMART_HOST } from './programs.ts';

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, '../..');
export const NAMESPACE = 'smtp-plus';
export const RELAYS = 'statefulset/smtp-plus-relay';
const SERVICE = `smtp-plus-relay.${NAMESPACE}.svc`;
const READY = '--timeout=300s';

/** Makes the image and brings it to the nodes. */
export async function loadImage(folder: string): Promise<void> {
  await run(process.execPath, [path.join(ROOT, 'tools/image.ts'), '--level', '0', '--output', folder]);
  // the command is the user's own, with its flags; the archive is its last word
  await run('sh', ['-c', `${process.env['IMAGE_LOAD_COMMAND']} "$0"/smtp-plus-*.tar`, folder]);
}

export async function install(folder: string): Promise<void> {
  if (await exists('namespace', NAMESPACE))
    throw new Error(`the cluster has a namespace ${NAMESPACE} already; take another cluster`);
  await kubectl(['apply', '--server-side', '-f', path.join(ROOT, 'crds')]);
  await kubectl(['wait', '--for=condition=Established', READY, '-f', path.join(ROOT, 'crds')]);
  await kubectl(['apply', '-f', path.join(ROOT, 'deploy/rbac.yaml')]);
  const { ca, cert, key } = await ensureCertificates(folder, { hostnames: [SERVICE, `${SERVICE}.cluster.local`] });
  const metadata = { name: 'smtp-plus-relay-tls', namespace: NAMESPACE };
  const stringData = { 'ca.crt': ca, 'tls.crt': cert, 'tls.key': key };
  await apply({ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata, stringData });
  await apply(...(await manifests()));
  await kubectl(['rollout', 'status', '-n', NAMESPACE, 'deployment/smtp-plus-operator', READY]);
  await kubectl(['rollout', 'status', '-n', NAMESPACE, RELAYS, READY]);
}

/** Those of deploy/, with the test's smart host in place of the capture folder. */
async function manifests(): Promise<readonly object[]> {
  const text = await kubectl(['kustomize', path.join(ROOT, 'deploy')]);
  const objects = parseAllDocuments(text).map(
    (document) => document.toJS() as { kind: string; data?: Record<string, string> },
  );
  for (const { kind, data } of objects) {
    if (kind !== 'ConfigMap' || data?.['settings.yaml'] === undefined) continue;
    data['settings.yaml'] = data['settings.yaml'].replace(
      'capture: true',
      `{host: ${SMART_HOST}, port: 2525, tls: None}`,
    );
  }
  return objects;
}

/** Whatever of it is there. */
export async function uninstall(): Promise<void> {
  const gone = ['--ignore-not-found', '--wait=true', READY];
  await kubectl(['delete', 'namespace', NAMESPACE, ...gone]);
  await kubectl([
    'delete',
    '-f',
    path.join(ROOT, 'deploy/user-roles.yaml'),
    '-f',
    path.join(ROOT, 'deploy/rbac.yaml'),
    ...gone,
  ]);
  await kubectl(['delete', '-f', path.join(ROOT, 'crds'), ...gone]);
}
