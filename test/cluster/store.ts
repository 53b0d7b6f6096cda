/** A store that relays count in together, as docs/users.md has it: Debian's `redis-server`, which speaks Valkey's protocol. */
import { chmod, copyFile, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureCertificates } from '../../operator/certificates/self-signed.ts';
import { copySharedLibraries } from '../../tools/image/shared-libraries.ts';
import { writeArchive } from '../../tools/image/archive.ts';
import { run } from '../support/commands.ts';
import { loadArchive, NAMESPACE as INSTALLATION } from './install.ts';
import { apply, kubectl } from './kubectl.ts';

const NAMESPACE = 'valkey';
const NAME = 'valkey';
const HOST = `${NAME}.${NAMESPACE}.svc`;
const IMAGE = `${NAME}:test`;
const PORT = 6379;
const SECRET = 'valkey-smtp-plus';
const PASSWORD = 'of-the-test';
/** All that docs/users.md says a relay needs. */
const RIGHTS =
  '~smtp-plus:* +eval +evalsha +time +hmget +hset +hincrby +del +pexpire +zadd +zrem +zcard +zremrangebyscore';

/** Values of the chart, as docs/users.md has them; `settings` of the class among them. */
export const COUNTING = {
  settings: {
    host: HOST,
    caFile: '/etc/valkey/ca.crt',
    username: 'smtp-plus',
    passwordFile: '/etc/valkey/password',
    // a busy machine may take its time
    timeoutMilliseconds: 5000,
  },
  operator: {
    extraVolumes: [{ name: 'valkey', secret: { secretName: SECRET } }],
    extraVolumeMounts: [{ name: 'valkey', mountPath: '/etc/valkey' }],
  },
  peers: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': NAMESPACE } } }],
};

/** With the Secret that lets the relays in. The store has nothing in it whenever its pod is new. */
export async function prepareStore(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'smtp-plus-store-'));
  try {
    await loadProgram(folder);
    const { ca, cert, key } = await ensureCertificates(path.join(folder, 'tls'), { hostnames: [HOST] });
    const files = {
      'tls.crt': cert,
      'tls.key': key,
      acl: `user default off\nuser smtp-plus on >${PASSWORD} ${RIGHTS}\n`,
    };
    await apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: NAME, namespace: NAMESPACE }, stringData: files },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: NAME, namespace: NAMESPACE },
        spec: { selector: { app: NAME }, ports: [{ port: PORT }] },
      },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: SECRET, namespace: INSTALLATION },
        stringData: { 'ca.crt': ca, password: PASSWORD },
      },
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

export async function startStore(): Promise<void> {
  const args = ['--save', '', '--port', '0', '--tls-port', String(PORT), '--tls-auth-clients', 'no'];
  const files = ['--tls-cert-file', '/store/tls.crt', '--tls-key-file', '/store/tls.key', '--aclfile', '/store/acl'];
  const container = {
    name: NAME,
    image: IMAGE,
    args: [...args, ...files],
    readinessProbe: { tcpSocket: { port: PORT }, periodSeconds: 1 },
    volumeMounts: [{ name: 'store', mountPath: '/store' }],
  };
  await apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: NAME, namespace: NAMESPACE, labels: { app: NAME } },
    spec: { containers: [container], volumes: [{ name: 'store', secret: { secretName: NAME } }] },
  });
  await kubectl(['wait', '--for=condition=Ready', '-n', NAMESPACE, `pod/${NAME}`, '--timeout=120s']);
}

/** Its pod goes, and with it all that was counted. */
export async function stopStore(): Promise<void> {
  await kubectl(['delete', '-n', NAMESPACE, `pod/${NAME}`, '--grace-period=1', '--timeout=120s']);
}

export async function removeStore(): Promise<void> {
  await kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--timeout=300s']);
  await kubectl(['delete', 'secret', '-n', INSTALLATION, SECRET, '--ignore-not-found']);
}

async function loadProgram(folder: string): Promise<void> {
  const rootFs = path.join(folder, 'root-fs');
  await mkdir(rootFs);
  const program = await realpath((await run('sh', ['-c', 'command -v redis-server'])).stdout.trim());
  await copyFile(program, path.join(rootFs, NAME));
  await chmod(path.join(rootFs, NAME), 0o755);
  copySharedLibraries([program], rootFs);
  const roots = (await run('ls', [rootFs])).stdout.trim().split('\n');
  writeArchive(path.join(folder, 'image.tar'), rootFs, {
    name: IMAGE,
    config: { User: '65532', WorkingDir: '/', Env: [], Entrypoint: [`/${NAME}`], ExposedPorts: {} },
    labels: {},
    created: new Date(0),
    level: 0,
    layers: [roots],
  });
  await loadArchive(folder);
}
