/** A real etcd and kube-apiserver (RBAC on) in a temporary folder, for the tests of one file. No nodes, no controllers. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe } from 'node:test';
import { prepareApiServer, startApiServer } from './control-plane/api-server.ts';
import { whenPrepared } from './control-plane/awaited.ts';
import { findBinaries, type Binaries } from './control-plane/binaries.ts';
import { startEtcd } from './control-plane/etcd.ts';
import { writeKubeconfig } from './control-plane/kubeconfig.ts';
import { freePorts } from './control-plane/process.ts';

export interface ControlPlane {
  readonly url: string;
  /** File with the credentials of an administrator. */
  readonly kubeconfig: string;
  /** PEM file with the CA of the API server. */
  readonly caFile: string;
  /** File with a JSON line for each request of a ServiceAccount (audit.k8s.io/v1). */
  readonly auditLog: string;
  /** Temporary folder; gone after `stop`. */
  readonly folder: string;
  /** Runs kubectl and gives its standard output; as the administrator, unless another kubeconfig is given. */
  readonly kubectl: (args: readonly string[], options?: KubectlOptions) => Promise<string>;
  /** Makes a ServiceAccount (without any right of its own) and gives the kubeconfig of a token for it. */
  readonly serviceAccount: (namespace: string, name: string) => Promise<string>;
  readonly stopApiServer: () => Promise<void>;
  readonly startApiServer: () => Promise<void>;
  readonly compactEtcd: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface KubectlOptions {
  readonly stdin?: string;
  readonly kubeconfig?: string;
}

const KUBECTL_OUTPUT_MAX = 64 * 1024 * 1024;
const MISSING = 'no etcd and kube-apiserver: set KUBEBUILDER_ASSETS, or let `npm test` fetch or build them';

// before a suite is skipped, or not
await whenPrepared();

/**
 * A suite of tests that share one control plane. Where its binaries are missing the suite is skipped, loudly; with `CI`
 * set it fails instead, so that a pipeline can never be green for want of a program.
 */
export function describeWithControlPlane(name: string, suite: (cluster: () => ControlPlane) => void): void {
  if (findBinaries() === undefined && !process.env['CI']) {
    process.stderr.write(`\nSKIPPED ${name}: ${MISSING}\n`);
    describe(name, { skip: MISSING });
    return;
  }
  describe(name, () => {
    let running: ControlPlane | undefined;
    before(async () => {
      running = await startControlPlane();
    });
    after(() => running?.stop());
    suite(() => {
      if (running === undefined) throw new Error('the control plane is not running');
      return running;
    });
  });
}

/** Starts etcd and kube-apiserver on free ports; both end with `stop`, or with this process. */
export async function startControlPlane(): Promise<ControlPlane> {
  const binaries = findBinaries();
  if (binaries === undefined) throw new Error(MISSING);
  const folder = mkdtempSync(path.join(tmpdir(), 'smtp-plus-control-plane-'));
  const [client = 0, peer = 0, port = 0] = await freePorts(3);
  const etcd = await startEtcd(binaries.etcd, folder, { client, peer });
  const setup = prepareApiServer(folder, { port, etcdUrl: etcd.url });
  let server = await startApiServer(binaries.apiServer, setup);
  const kubeconfig = writeKubeconfig(path.join(folder, 'admin.kubeconfig'), setup, setup.adminToken);
  const kubectl: ControlPlane['kubectl'] = (args, options = {}) =>
    runKubectl(binaries, args, { kubeconfig, ...options });
  return {
    url: setup.url,
    kubeconfig,
    caFile: setup.caFile,
    auditLog: setup.auditLog,
    folder,
    kubectl,
    serviceAccount: async (namespace, name) => {
      await kubectl(['-n', namespace, 'apply', '-f', '-'], { stdin: serviceAccountManifest(namespace, name) });
      const token = await kubectl(['-n', namespace, 'create', 'token', name, '--duration=1h']);
      return writeKubeconfig(path.join(folder, `${namespace}.${name}.kubeconfig`), setup, token.trim());
    },
    stopApiServer: () => server.stop(),
    startApiServer: async () => {
      server = await startApiServer(binaries.apiServer, setup);
    },
    compactEtcd: etcd.compact,
    stop: async () => {
      await server.stop();
      await etcd.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function runKubectl(binaries: Binaries, args: readonly string[], options: KubectlOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      binaries.kubectl,
      ['--kubeconfig', options.kubeconfig ?? '', ...args],
      { maxBuffer: KUBECTL_OUTPUT_MAX },
      (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(`kubectl ${args.join(' ')}: ${stderr}`)),
    );
    child.stdin?.end(options.stdin ?? '');
  });
}

function serviceAccountManifest(namespace: string, name: string): string {
  const meta = { namespace, name };
  const manifests = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: meta },
  ];
  return manifests.map((manifest) => JSON.stringify(manifest)).join('\n---\n');
}
