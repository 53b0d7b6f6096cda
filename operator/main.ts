/** The operator process: settings, credentials, lease, caches, health and metrics, and an orderly end. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { createLog, type Log } from '../relay/observe/log.ts';
import { startHttp } from '../relay/observe/http.ts';
import { createClient } from './kubernetes/client/client.ts';
import type { CredentialsSource } from './kubernetes/client/credentials.ts';
import { inClusterCredentials, inClusterServer, SERVICE_ACCOUNT_FOLDER } from './kubernetes/client/service-account.ts';
import { onceAnswered } from './kubernetes/first-answer.ts';
import { readInstallation } from './kubernetes/installation-secret.ts';
import { startLease } from './kubernetes/client/lease.ts';
import { createOperatorMetrics, type OperatorMetrics } from './kubernetes/metrics.ts';
import { ownPod, startOwnEvents, type OwnEvents } from './kubernetes/own-events.ts';
import { startWork, type Work } from './kubernetes/work.ts';
import { consoleWhenOn } from './kubernetes/console/when-on.ts';
import { operatorPages } from './kubernetes/pages.ts';
import { endOfRun, EXIT_FAILURE, EXIT_USAGE, type EndOfRun } from './end-of-run.ts';
import { filesOfSettings } from './settings/class-view.ts';
import { followSettings, type SettingsFollower } from './settings/follow.ts';
import { loadSettings } from './settings/file.ts';
import type { Settings } from './settings/settings.ts';
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
/** Requests to the API server for all who look at the console. */
const CONSOLE_PER_SECOND = 50;
const CONSOLE_AT_ONCE = 300;

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
  const installationOf = ({ watchNamespaces }: Settings) => readInstallation(ownClient, namespace, watchNamespaces);
  const answer = { server: (await source(false)).server.origin, log, signal };
  const installation = await onceAnswered(() => installationOf(settings), answer);
  const election = { namespace, name: LEASE_NAME, identity, onTrouble };
  const lease = startLease(ownClient, {
    ...election,
    onLost: () =>
      end.fail('the lease is lost, so that another operator may lead; this process ends, to be started anew'),
  });
  const ownEvents = startOwnEvents(ownClient, { pod: ownPod(namespace, process.env), instance: identity, onTrouble });
  const client = createClient(source, {
    writableMs: lease.writableMs,
    onRequest: ({ method, status, seconds }) => {
      metrics.requests.inc({ method, status });
      metrics.requestSeconds.observe({ method }, seconds);
    },
  });
  const own = { client, unledClient: ownClient, namespace, identity, metrics, onTrouble };
  const work = startWork({ settings, installation }, { ...own, lease, installationOf, log, end });
  // a client of its own as well: what people ask must hold up neither a renewal nor the work
  const consoleClient = createClient(source, { perSecond: CONSOLE_PER_SECOND, burst: CONSOLE_AT_ONCE });
  let inForce = settings;
  const consolePages = consoleWhenOn({
    client: consoleClient,
    namespace,
    settings: () => inForce,
    namespacesInUse: () => work.controller().namespacesInUse(),
    askRelays: () => work.controller().askRelays(),
    onTrouble,
  });
  const pages = operatorPages({ controller: work.controller, readers: work.readers, lease, metrics });
  const http = await startHttp(pages, {
    host: flags.host,
    port: flags.http ?? HTTP_PORT,
    forPeople: async (request) => (await work.controller().page(request)) ?? consolePages(request),
  }).catch(async (error) => {
    await lease.release().catch(() => undefined);
    throw error;
  });
  log.info({ namespace, identity, http: http.port }, 'the operator has started');
  const take = async (next: Settings): Promise<void> => {
    await work.take(next);
    inForce = next;
  };
  const follower = follow(flags.settings, settings, { take, metrics, ownEvents, log });
  return {
    close: async () => {
      await work.close();
      await follower?.close();
      await ownEvents.close();
      // after the last write, so that the next leader never overlaps with it
      await lease.release().catch((error: unknown) => log.warn(String(error)));
      await http.close();
      client.close();
      ownClient.close();
      consoleClient.close();
    },
  };
}

interface Followed {
  readonly take: Work['take'];
  readonly metrics: OperatorMetrics;
  readonly ownEvents: OwnEvents;
  readonly log: Log;
}

/** Takes up the settings file as it changes; undefined where there is none. */
function follow(
  file: string | undefined,
  current: Settings,
  { take, metrics, ownEvents, log }: Followed,
): SettingsFollower | undefined {
  if (file === undefined) return undefined;
  return followSettings({
    file,
    current,
    load: () => loadSettings(file),
    filesOf: filesOfSettings,
    take,
    onTaken: () => {
      metrics.settings.onTaken();
      log.info({ event: 'settings' }, 'the settings file, or a file that it names, has changed, and is in force');
      ownEvents.tell(
        'Normal',
        'SettingsTaken',
        'The settings file, or a file that it names, has changed, and is in force.',
      );
    },
    onRefused: (problems) => {
      metrics.settings.onRefused();
      log.error({ event: 'settings', problems }, 'the settings file is wrong; the settings before it stay in force');
      ownEvents.tell('Warning', 'SettingsRefused', `The old settings stay in force: ${problems.join('; ')}`);
    },
  });
}

async function credentials(flags: OperatorFlags): Promise<CredentialsSource> {
  const server = inClusterServer(process.env);
  if (flags.kubeconfig !== undefined || server === undefined) {
    // the library that reads them is not loaded in a pod: it takes five megabytes, and two files are all that there is to read
    const { kubeconfigCredentials } = await import('./kubernetes/client/kubeconfig.ts');
    return kubeconfigCredentials(flags.kubeconfig);
  }
  return inClusterCredentials(server, flags.serviceAccount ?? SERVICE_ACCOUNT_FOLDER);
}

async function podNamespace(flags: OperatorFlags): Promise<string | undefined> {
  const file = path.join(flags.serviceAccount ?? SERVICE_ACCOUNT_FOLDER, 'namespace');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text?.trim() || undefined;
}
