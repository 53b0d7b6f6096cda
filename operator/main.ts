/** The operator process: settings, credentials, lease, caches, health and metrics, and an orderly end. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { createLog, type Log } from '../relay/log.ts';
import { startHttp } from '../relay/http.ts';
import { configSecretPrefix, otherInstallationsOf, readClasses } from './kubernetes/classes.ts';
import { createClient } from './kubernetes/client/client.ts';
import type { CredentialsSource } from './kubernetes/client/credentials.ts';
import {
  inClusterCredentials,
  inClusterServer,
  kubeconfigCredentials,
  SERVICE_ACCOUNT_FOLDER,
} from './kubernetes/client/kubeconfig.ts';
import { onceAnswered } from './kubernetes/first-answer.ts';
import { readInstallation } from './kubernetes/installation-secret.ts';
import { startLease, type Lease } from './kubernetes/client/lease.ts';
import { createOperatorMetrics } from './kubernetes/metrics.ts';
import { startController } from './kubernetes/controller.ts';
import type { Controller, ControllerOptions } from './kubernetes/controller-types.ts';
import { dnsVerificationOf, resolversOf } from './settings-verification.ts';
import { mailOptionsOf } from './kubernetes/mail-proofs.ts';
import { operatorPages } from './kubernetes/pages.ts';
import { endOfRun, EXIT_FAILURE, EXIT_USAGE, type EndOfRun } from './end-of-run.ts';
import { messageOf } from './errors.ts';
import { loadSettings } from './settings-file.ts';
import type { Settings } from './settings.ts';
import { explainStart } from './standalone/explain.ts';

export interface OperatorFlags {
  readonly settings?: string;
  /** Default: the ServiceAccount of the pod, outside a pod the usual kubeconfig. */
  readonly kubeconfig?: string;
  /** Namespace of the operator and its relays. Default: the pod's. */
  readonly namespace?: string;
  readonly host?: string;
  readonly http?: number;
  /** Folder with token, CA and namespace of the ServiceAccount. */
  readonly serviceAccount?: string;
}

const LEASE_NAME = 'smtp-plus-operator';
const NAMESPACE_DEFAULT = 'smtp-plus';
const HTTP_PORT = 9465;

/** Runs until SIGTERM or SIGINT (0), or until the lease is lost (1). Resolves to the exit code. */
export async function runOperator(flags: OperatorFlags): Promise<number> {
  const log = createLog();
  const loaded = await loadSettings(flags.settings);
  if (!loaded.ok) return fail(loaded.problems, EXIT_USAGE);
  const end = endOfRun(log);
  const stopping = new AbortController();
  void end.code.then(() => stopping.abort());
  try {
    const running = await start(flags, loaded.settings, { log, end, signal: stopping.signal });
    const code = await end.code;
    log.info({ code }, 'the operator ends');
    await running.close();
    return code;
  } catch (error) {
    // nothing has been begun that would have to be ended in good order
    if (stopping.signal.aborted) return end.code;
    return fail([explain(error, flags)], EXIT_FAILURE);
  }
}

function fail(problems: readonly string[], code: number): number {
  for (const problem of problems) process.stderr.write(`error: ${problem}\n`);
  return code;
}

function explain(error: unknown, { host, http = HTTP_PORT }: OperatorFlags): string {
  return explainStart(error, { host, http, implicitTlsPorts: [] });
}

interface Running {
  readonly close: () => Promise<void>;
}

interface StartOptions {
  readonly log: Log;
  readonly end: EndOfRun;
  readonly signal: AbortSignal;
}

async function start(flags: OperatorFlags, settings: Settings, { log, end, signal }: StartOptions): Promise<Running> {
  const source = await credentials(flags);
  const namespace = flags.namespace ?? (await podNamespace(flags)) ?? NAMESPACE_DEFAULT;
  const identity = `${hostname()}_${randomBytes(4).toString('hex')}`;
  const metrics = createOperatorMetrics();
  const onTrouble = (message: string): void => log.warn(message);
  // a client of its own: a renewal must not wait behind the work, nor for the lease that it is to renew
  const ownClient = createClient(source);
  const installation = await onceAnswered(() => readInstallation(ownClient, namespace, settings.watchNamespaces), {
    server: (await source(false)).server.origin,
    log,
    signal,
  });
  const election = { namespace, name: LEASE_NAME, identity, onTrouble };
  const lease = startLease(ownClient, {
    ...election,
    onLost: () =>
      end.fail('the lease is lost, so that another operator may lead; this process ends, to be started anew'),
  });
  const client = createClient(source, {
    writableMs: lease.writableMs,
    onRequest: ({ method, status, seconds }) => {
      metrics.requests.inc({ method, status });
      metrics.requestSeconds.observe({ method }, seconds);
    },
  });
  const operator = startController({
    client,
    namespace,
    identity,
    installation,
    watchNamespaces: settings.watchNamespaces,
    readClasses: () => readClasses(settings, installation),
    otherInstallations: otherInstallationsOf(settings),
    verification: verificationOf(settings),
    ...mailOf(settings),
    unledClient: ownClient,
    namespaceLimits: settings.namespaceLimits,
    configPrefixOf: (className) => configSecretPrefix(settings, className),
    metrics,
    onTrouble,
  });
  const pages = operatorPages({ operator, lease, metrics });
  const http = await startHttp(pages, {
    host: flags.host,
    port: flags.http ?? HTTP_PORT,
    forPeople: operator.page,
  }).catch(async (error) => {
    await lease.release().catch(() => undefined);
    throw error;
  });
  log.info({ namespace, identity, http: http.port }, 'the operator has started');
  leadWhenElected(lease, operator, { log, end });
  return {
    close: async () => {
      await operator.close();
      // after the last write, so that the next leader never overlaps with it
      await lease.release().catch((error: unknown) => log.warn(String(error)));
      await http.close();
      client.close();
      ownClient.close();
    },
  };
}

function verificationOf({ verification }: Settings): NonNullable<ControllerOptions['verification']> {
  return { ...dnsVerificationOf(verification), resolvers: resolversOf(verification) };
}

function mailOf(settings: Settings): Pick<ControllerOptions, 'mail'> {
  const mail = mailOptionsOf(settings);
  return mail === undefined ? {} : { mail };
}

function leadWhenElected(lease: Lease, operator: Controller, { log, end }: Pick<StartOptions, 'log' | 'end'>): void {
  const lead = async (): Promise<void> => {
    await lease.acquired;
    log.info('leading; waiting for the caches');
    await operator.lead();
    log.info('everything is planned; reconciling');
  };
  lead().catch((error: unknown) => {
    end.fail(`could not start to work: ${messageOf(error)}`);
  });
}

async function credentials(flags: OperatorFlags): Promise<CredentialsSource> {
  const server = inClusterServer(process.env);
  if (flags.kubeconfig !== undefined || server === undefined) return kubeconfigCredentials(flags.kubeconfig);
  return inClusterCredentials(server, flags.serviceAccount ?? SERVICE_ACCOUNT_FOLDER);
}

async function podNamespace(flags: OperatorFlags): Promise<string | undefined> {
  const file = path.join(flags.serviceAccount ?? SERVICE_ACCOUNT_FOLDER, 'namespace');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text?.trim() || undefined;
}
