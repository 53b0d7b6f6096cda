/** SMTP+ on the cluster, by Helm as the quick start has it, with a smart host of the test's own. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { CHART, helm, ROOT } from '../chart/helm.ts';
import { apply, exists, kubectl } from './kubectl.ts';
import { SMART_HOST } from './programs.ts';

const run = promisify(execFile);
export const NAMESPACE = 'smtp-plus';
export const RELAYS = 'statefulset/smtp-plus-relay';
export const SERVICE = `smtp-plus-relay.${NAMESPACE}.svc`;
/** By which each port of a relay is reached. */
export const PODS = `smtp-plus-relay-pods.${NAMESPACE}.svc`;
const RELEASE = ['smtp-plus', '--namespace', NAMESPACE];
const PATIENCE = '--timeout=300s';

/** Of the class `default`. */
export const SETTINGS = {
  upstream: { host: SMART_HOST, port: 2525, tls: 'None' },
  existingSenders: [{ shop: 'shop.example' }],
  // as long as a kubelet may take to bring a Secret into a pod
  tls: { announceSeconds: 120 },
};

/** What waits goes out soon after the smart host is back. */
export const SOON = {
  default: { settings: { ...SETTINGS, delivery: { retryFirstSeconds: 2, retryMostSeconds: 5 } } },
};

const VALUES = {
  console: { enabled: true },
  classes: { default: { settings: SETTINGS } },
  networkPolicy: {
    smartHosts: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'smart-host' } } }],
    monitoring: [{ podSelector: { matchLabels: { app: 'metrics-api' } } }],
  },
};

/** Makes the image and brings it to the nodes. */
export async function loadImage(folder: string): Promise<void> {
  await run(process.execPath, [path.join(ROOT, 'tools/image.ts'), '--level', '0', '--output', folder]);
  await loadArchive(folder);
}

/** The one in this folder. */
export async function loadArchive(folder: string): Promise<void> {
  // the command is the user's own, with its flags; the archive is its last word
  await run('sh', ['-c', `${process.env['IMAGE_LOAD_COMMAND']} "$0"/*.tar`, folder]);
}

export async function install(): Promise<void> {
  if (await exists('namespace', NAMESPACE))
    throw new Error(`the cluster has a namespace ${NAMESPACE} already; take another cluster`);
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels } });
  await upgrade();
}

/** Installs it, or takes it to these values, and waits until all pods are those. Resolves to what Helm says is next. */
export function upgrade(further: object = {}, furtherFlags: readonly string[] = []): Promise<string> {
  const flags = ['--install', '--wait', PATIENCE, '--values', '-', ...furtherFlags];
  const values = JSON.stringify({ ...VALUES, ...further });
  return helm(['upgrade', ...RELEASE.slice(0, 1), CHART, ...RELEASE.slice(1), ...flags], values);
}

/** `helm test`. Rejects where the mail does not come through. */
export function tryRelease(): Promise<string> {
  return helm(['test', ...RELEASE, '--logs', PATIENCE]);
}

/** Whatever of it is there; the kinds, too, which Helm leaves. */
export async function uninstall(): Promise<void> {
  const gone = ['--ignore-not-found', '--wait=true', PATIENCE];
  await helm(['uninstall', ...RELEASE, '--ignore-not-found', '--wait', PATIENCE]);
  await kubectl(['delete', 'namespace', NAMESPACE, ...gone]);
  await kubectl(['delete', '-f', path.join(ROOT, 'crds'), ...gone]);
}
