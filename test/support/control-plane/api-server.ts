import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { startGuarded, waitUntilReady, type Guarded } from './process.ts';

export interface ApiServerSetup {
  readonly url: string;
  /** The self-signed certificate that the server makes at its first start, its own CA. */
  readonly caFile: string;
  readonly adminToken: string;
  readonly log: string;
  /** One JSON line for each finished request: who did what to which resource. */
  readonly auditLog: string;
  readonly args: readonly string[];
}

/** Requests of ServiceAccounts only: those are whom a test wants to know about. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [{ level: 'Metadata', userGroups: ['system:serviceaccounts'] }, { level: 'None' }],
};

/** Prepares keys and flags; the same set-up starts the server again after a stop, on the same port. */
export function prepareApiServer(folder: string, options: { port: number; etcdUrl: string }): ApiServerSetup {
  const adminToken = randomBytes(24).toString('hex');
  const tokens = path.join(folder, 'tokens.csv');
  writeFileSync(tokens, `${adminToken},admin,admin,system:masters\n`, { mode: 0o600 });
  const signingKey = path.join(folder, 'service-account.key');
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
  });
  writeFileSync(signingKey, privateKey, { mode: 0o600 });
  const certificates = path.join(folder, 'certificates');
  const auditLog = path.join(folder, 'audit.log');
  const auditPolicy = path.join(folder, 'audit-policy.json');
  writeFileSync(auditPolicy, JSON.stringify(AUDIT_POLICY));
  return {
    url: `https://127.0.0.1:${options.port}`,
    caFile: path.join(certificates, 'apiserver.crt'),
    adminToken,
    log: path.join(folder, 'kube-apiserver.log'),
    auditLog,
    args: [
      `--audit-log-path=${auditLog}`,
      `--audit-policy-file=${auditPolicy}`,
      `--etcd-servers=${options.etcdUrl}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${options.port}`,
      `--cert-dir=${certificates}`,
      `--token-auth-file=${tokens}`,
      '--authorization-mode=RBAC',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-signing-key-file=${signingKey}`,
      `--service-account-key-file=${signingKey}`,
      '--service-cluster-ip-range=10.96.0.0/24',
      // it waits for ServiceAccounts that only a controller manager makes
      '--disable-admission-plugins=ServiceAccount',
    ],
  };
}

export async function startApiServer(program: string, setup: ApiServerSetup): Promise<Guarded> {
  const server = startGuarded(program, setup.args, setup.log);
  await waitUntilReady(server, setup.log, () => isReady(setup));
  return server;
}

function isReady(setup: ApiServerSetup): Promise<boolean> {
  const headers = { authorization: `Bearer ${setup.adminToken}` };
  return new Promise((resolve, reject) => {
    https
      .get(`${setup.url}/readyz`, { ca: readFileSync(setup.caFile), headers, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      })
      .on('error', reject);
  });
}
