/** The operator in the process of a test, as the restricted ServiceAccount that it has in a cluster. */
import { randomBytes } from 'node:crypto';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { configSecretPrefix, otherInstallationsOf, readClasses } from '../../../operator/kubernetes/classes.ts';
import { createClient, type ClientOptions } from '../../../operator/kubernetes/client/client.ts';
import { readInstallation } from '../../../operator/kubernetes/installation-secret.ts';
import type { CredentialsSource } from '../../../operator/kubernetes/client/credentials.ts';
import { startLease, type Lease } from '../../../operator/kubernetes/client/lease.ts';
import { createOperatorMetrics, type OperatorMetrics } from '../../../operator/kubernetes/metrics.ts';
import { startController } from '../../../operator/kubernetes/controller.ts';
import type { Controller, ControllerOptions } from '../../../operator/kubernetes/controller-types.ts';
import { mailOptionsOf } from '../../../operator/kubernetes/proofs/mail-proofs.ts';
import { pageTokensOf } from '../../../operator/kubernetes/page-tokens.ts';
import { settingsSchema, type Settings } from '../../../operator/settings/settings.ts';
import { dnsVerificationOf, resolversOf } from '../../../operator/settings/verification.ts';
import type { ControlPlane } from '../../support/control-plane.ts';
import { tokenCredentials } from './credentials.ts';

const path = (relative: string): string => fileURLToPath(new URL(`../../../${relative}`, import.meta.url));
export const OPERATOR_NAMESPACE = 'smtp-plus';

/** CRDs and RBAC, as the quick start has them. Resolves to the kubeconfig of the operator's ServiceAccount. */
export async function install(cluster: ControlPlane): Promise<string> {
  await cluster.kubectl(['apply', '--server-side', '-f', path('crds')]);
  const manifests = ['namespace', 'rbac', 'user-roles'].flatMap((name) => ['-f', path(`deploy/${name}.yaml`)]);
  await cluster.kubectl(['apply', ...manifests]);
  await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=60s', '-f', path('crds')]);
  return cluster.serviceAccount(OPERATOR_NAMESPACE, 'smtp-plus-operator');
}

export interface TestOperator extends Controller {
  readonly metrics: OperatorMetrics;
  /** What it could not do, so far. */
  readonly troubles: readonly string[];
  /** Requests that would change something, so far. */
  readonly writes: () => number;
}

export interface TestOperatorOptions extends ClientOptions {
  readonly settings?: unknown;
  /** Sees to the certificates of the relays, by the settings. */
  readonly withCertificates?: boolean;
  /** Elects itself first, as in production. */
  readonly withLease?: boolean;
  /** False: a replica that only waits for its turn. */
  readonly leads?: boolean;
  /** When somebody last led. */
  readonly unwatchedSince?: Date;
  /** Address of a proxy in between. */
  readonly url?: string;
  /** Instead of what the settings and the cluster would give. */
  readonly instead?: Partial<
    Pick<
      ControllerOptions,
      | 'installation'
      | 'certificates'
      | 'readClasses'
      | 'fullPlanMs'
      | 'crdProbeMs'
      | 'unservedMs'
      | 'tellMs'
      | 'usageMs'
      | 'fleetHoldMs'
      | 'pageTokens'
      | 'now'
    >
  >;
}

/** Starts an operator and waits until it has planned everything. It leads without a lease, unless told otherwise. */
export async function startTestOperator(
  cluster: ControlPlane,
  kubeconfig: string,
  {
    settings: given = {},
    url = cluster.url,
    withLease = false,
    withCertificates = false,
    leads = true,
    unwatchedSince,
    instead = {},
    ...clientOptions
  }: TestOperatorOptions = {},
): Promise<TestOperator> {
  const settings: Settings = settingsSchema.parse(given);
  const source = tokenCredentials(cluster, kubeconfig, url);
  const troubles: string[] = [];
  let writes = 0;
  const metrics = createOperatorMetrics();
  const lease = withLease ? await elect(source, (message) => troubles.push(message)) : undefined;
  const client = createClient(source, {
    ...(lease && { writableMs: lease.writableMs }),
    ...clientOptions,
    onRequest: (request) => {
      if (request.method !== 'GET') writes += 1;
      clientOptions.onRequest?.(request);
    },
  });
  const installation =
    instead.installation ??
    (await readInstallation(createClient(source), OPERATOR_NAMESPACE, settings.watchNamespaces));
  const operator = startController({
    client,
    namespace: OPERATOR_NAMESPACE,
    identity: `test-${randomBytes(4).toString('hex')}`,
    installation,
    pageTokens: pageTokensOf(settings, installation),
    watchNamespaces: settings.watchNamespaces,
    readClasses: () => readClasses(settings, installation),
    otherInstallations: otherInstallationsOf(settings),
    ...verificationOf(settings, given),
    ...mailOf(settings),
    unledClient: createClient(source),
    namespaceLimits: settings.namespaceLimits,
    drainSpools: settings.drainSpools,
    ...(withCertificates && { certificates: { classes: settings.classes } }),
    configPrefixOf: (className) => configSecretPrefix(settings, className),
    metrics,
    onTrouble: (message) => troubles.push(message),
    ...instead,
  });
  const running = {
    ...operator,
    close: closeOnce(async () => {
      await operator.close();
      await lease?.release();
      client.close();
    }),
  };
  started.add(running);
  if (leads) await operator.lead(unwatchedSince);
  return {
    ...running,
    metrics,
    troubles,
    writes: () => writes,
  };
}

function mailOf(settings: Settings): Pick<ControllerOptions, 'mail'> {
  const mail = mailOptionsOf(settings);
  return mail === undefined ? {} : { mail };
}

/** Look-ups only where a test says whom to ask: nothing leaves this machine. */
function verificationOf({ verification }: Settings, given: unknown): Pick<ControllerOptions, 'verification'> {
  const isGiven = typeof given === 'object' && given !== null && 'verification' in given;
  if (!isGiven) return {};
  return { verification: { ...dnsVerificationOf(verification), resolvers: resolversOf(verification) } };
}

/** Operators that a test has started; what a failed one left running would keep its process alive for ever. */
const started = new Set<Controller>();
after(() => Promise.all([...started].map((operator) => operator.close())));

function closeOnce(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => (closing ??= close());
}

async function elect(source: CredentialsSource, onTrouble: (message: string) => void): Promise<Lease> {
  const identity = `test-${randomBytes(4).toString('hex')}`;
  const name = 'smtp-plus-operator';
  const lease = startLease(createClient(source), {
    namespace: OPERATOR_NAMESPACE,
    name,
    identity,
    onLost: () => onTrouble('the lease is lost'),
    onTrouble,
  });
  await lease.acquired;
  return lease;
}
