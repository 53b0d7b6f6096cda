/** Pods of the test: a smart host that keeps what it gets, and an application that mounts a user's Secret. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundle } from '../../tools/bundle.ts';
import { apply, kubectl, startKubectl, type Running } from './kubectl.ts';
import type { Job, LogInAnswer, LogIns, Port, Received, Reply } from './pods/jobs.ts';

const NAMESPACE = 'smtp-plus-test';
export const SMART_HOST = `smart-host.${NAMESPACE}.svc.cluster.local`;
const IMAGE = 'smtp-plus:0.1.0';
const PROGRAMS = '/programs';
const HTTP_PORT = 8080;
const RESTRICTED = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

/** In a namespace of its own. */
export async function startSmartHost(): Promise<void> {
  const metadata = { name: 'smart-host', namespace: NAMESPACE };
  await apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    await programs(NAMESPACE),
    { ...pod('smart-host'), metadata: { ...metadata, labels: { app: 'smart-host' } } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: { app: 'smart-host' }, ports: [{ name: 'smtp', port: 2525 }] },
    },
  );
  await kubectl(['wait', '--for=condition=Ready', '-n', NAMESPACE, 'pod/smart-host', '--timeout=120s']);
}

/** Nothing listens at its address, or it does again. */
export async function setSmartHost(isThere: boolean): Promise<void> {
  const patch = JSON.stringify({ spec: { selector: { app: isThere ? 'smart-host' : 'nobody' } } });
  await kubectl(['patch', 'service', 'smart-host', '-n', NAMESPACE, '--type=merge', '--patch', patch]);
}

export function received(): Promise<readonly Received[]> {
  return askSmartHost<readonly Received[]>('');
}

/** One for each message that has come, as often as it has. */
export function receivedIds(): Promise<readonly string[]> {
  return askSmartHost<readonly string[]>('ids');
}

async function askSmartHost<T>(what: string): Promise<T> {
  const url = `/api/v1/namespaces/${NAMESPACE}/pods/smart-host:${HTTP_PORT}/proxy/${what}`;
  return JSON.parse(await kubectl(['get', '--raw', url])) as T;
}

/** An application: all that it mounts of ours is the Secret. */
export async function startApplication(namespace: string, secretName: string): Promise<void> {
  const volumes = [{ name: 'smtp', secret: { secretName } }];
  await apply(await programs(namespace), { ...pod('client', volumes), metadata: { name: 'client', namespace } });
  await kubectl(['wait', '--for=condition=Ready', '-n', namespace, 'pod/client', '--timeout=120s']);
}

export async function send(namespace: string, job: Job): Promise<readonly Reply[]> {
  const { end, output } = startSending(namespace, job);
  end();
  return output;
}

/** A load ends when its standard input does. */
export function startSending(
  namespace: string,
  job: Job,
): Omit<Running, 'output'> & { output: Promise<readonly Reply[]> } {
  const { end, output } = startClient(namespace, job);
  return { end, output: output.then((text) => JSON.parse(text) as Reply[]) };
}

/** Tells of each answer that a port gives to a log-in and has not given to the one before, until it is ended. */
export function watchLogIns(
  namespace: string,
  ports: readonly Port[],
  onAnswer: (answer: LogInAnswer) => void,
): Running {
  return startClient(namespace, { kind: 'log-ins', ports }, (line) => onAnswer(JSON.parse(line) as LogInAnswer));
}

function startClient(namespace: string, job: Job | LogIns, onLine?: (line: string) => void): Running {
  const command = ['node', `${PROGRAMS}/client.js`, JSON.stringify(job)];
  return startKubectl(['exec', '-i', '-n', namespace, 'client', '--', ...command], onLine && { onLine });
}

export async function removePods(): Promise<void> {
  await kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--timeout=300s']);
}

export function pod(name: string, volumes: readonly { readonly name: string }[] = []): object {
  const all = [{ name: 'programs', configMap: { name: 'programs' } }, ...volumes];
  const volumeMounts = all.map((volume) => ({ name: volume.name, mountPath: `/${volume.name}` }));
  const command = ['/usr/bin/node', `${PROGRAMS}/${name}.js`];
  const container = { name, image: IMAGE, command, volumeMounts, securityContext: RESTRICTED };
  const spec = {
    containers: [container],
    volumes: all,
    securityContext: { runAsNonRoot: true },
    terminationGracePeriodSeconds: 1,
  };
  return { apiVersion: 'v1', kind: 'Pod', spec };
}

/** The product's own image runs them: no other one has to be brought to the nodes. */
export async function programs(namespace: string): Promise<object> {
  const folder = await mkdtemp(path.join(tmpdir(), 'smtp-plus-programs-'));
  try {
    const names = ['client', 'metrics-api', 'smart-host'];
    const data: Record<string, string> = { 'package.json': '{"type":"module"}' };
    for (const name of names) {
      await bundle({ [name]: `test/cluster/pods/${name}.ts` }, folder);
      data[`${name}.js`] = await readFile(path.join(folder, `${name}.js`), 'utf8');
    }
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'programs', namespace }, data };
  } finally {
    await rm(folder, { recursive: true });
  }
}
