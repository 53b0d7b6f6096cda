/**
 * Everything in one process: the directory adapter, the core, and the relay. Not a mock of a cluster: the same core
 * decides, and the same relay reads the same configuration files.
 */
import { rm } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import type { PageAnswer, PageRequest, PagesForPeople } from '../../relay/observe/http.ts';
import type { Log } from '../../relay/observe/log.ts';
import { startRelay } from '../../relay/main.ts';
import type { Relay } from '../../relay/main.ts';
import { ensureCertificates } from '../certificates/self-signed.ts';
import { startDirectory } from '../directory/adapter.ts';
import type { Directory, DirectoryOptions } from '../directory/adapter.ts';
import { RELAY_FOLDER } from '../directory/relay-folder.ts';
import { openInstallation } from '../directory/installation-file.ts';
import { takeLock } from '../directory/lock.ts';
import { makePrivateFolder } from '../directory/write-file.ts';
import { PORTS_SHOWN } from '../settings/class-view.ts';
import { createEventCounter } from '../event-counter.ts';
import { createDecider } from '../core/decider.ts';
import type { Plan } from '../core/model.ts';
import type { Settings } from '../settings/settings.ts';
import { sharePorts } from '../ports.ts';
import type { SharedPorts } from '../ports.ts';
import { keepCertificates } from './certificates.ts';
import { startChangingDirectory } from './changing-directory.ts';
import { keepSettings } from './settings-in-force.ts';
import type { CertificateKeeper } from './certificates.ts';
import { captureFolderOf, isCapturing, spoolFolderOf } from './capture-folder.ts';
import { consoleHere, consoleUrl, isServed } from './console-page.ts';
import { standaloneSettings } from './options.ts';
import type { SettingsFiles, StandaloneFlags } from './options.ts';
import { createConsole } from './console.ts';
import type { Console } from './console.ts';
import { endBySpool, endOfRun, EXIT_FAILURE, EXIT_USAGE } from '../end-of-run.ts';
import { explainStart } from './explain.ts';
import { troubleAhead } from './preflight.ts';
import { howToVouch } from './vouching.ts';

/** Runs until a signal. Resolves to the exit code. */
export async function runStandalone(flags: StandaloneFlags): Promise<number> {
  const output = createConsole({ json: flags.json ?? false });
  const result = await standaloneSettings(flags);
  if (!result.ok) return output.fail(result.problems, EXIT_USAGE);
  const { settings, files } = result;
  const ports = sharePorts(settings);
  if ('problem' in ports) return output.fail([ports.problem], EXIT_USAGE);
  const capture = captureFolderOf(settings);
  const trouble = await troubleAhead({
    manifests: settings.folder,
    state: settings.state,
    capture: isCapturing(settings) ? capture : settings.capture,
    ports: ports.ports.length + ports.implicitTlsPorts.length,
  });
  if (trouble !== undefined) return output.fail([trouble], EXIT_USAGE);
  try {
    return await runLocked({ settings, ports, files, flags, output });
  } catch (error) {
    return output.fail([explainStart(error, { ...settings, ...ports })], EXIT_FAILURE);
  }
}

interface Run {
  readonly settings: Settings;
  readonly ports: SharedPorts;
  readonly files: SettingsFiles;
  readonly flags: StandaloneFlags;
  readonly output: Console;
}

async function runLocked(run: Run): Promise<number> {
  const lock = await takeLock(run.settings.state);
  if (!lock.taken) return run.output.fail([lock.message], EXIT_FAILURE);
  try {
    return await runParts(run);
  } finally {
    await lock.release();
  }
}

async function runParts({ settings, ports, files, flags, output }: Run): Promise<number> {
  const { log } = output;
  const end = endOfRun(log);
  const opened = await openInstallation(settings.state);
  if ('problem' in opened) return output.fail([opened.problem], EXIT_FAILURE);
  const { installation } = opened;
  let current = settings;
  const tls = await openCertificates(() => current, log);
  const registry = new Registry();
  const countEvent = createEventCounter(registry);
  const furtherMetrics = (): Promise<string> => registry.metrics();
  // there are none before the manifests are read
  let pages: readonly PagesForPeople[] = [];
  const forPeople = (request: PageRequest) => firstAnswer(pages, request);
  const relay = await output.during('opening ports', () =>
    openRelay(settings, { ports, tls, furtherMetrics, forPeople, log, onFatal: endBySpool(end) }),
  );
  tls.onRenewal(relay.updateCertificates);

  // the decider goes on over a change of settings: what has been told is not told again
  const lasting = {
    installation,
    relay,
    tls,
    decide: createDecider(installation.issuer),
    onEvent: countEvent,
    files,
    log,
  };
  const settled = Promise.withResolvers<Plan>();
  let plan: Plan | undefined;
  const onSettled = (next: Plan): void => {
    plan = next;
    settled.resolve(next);
  };
  const begin = async (by: Settings, prune = false): Promise<Directory> => {
    current = by;
    return startDirectory({ ...(await directoryOptions(by, lasting)), prune, onSettled });
  };
  const directory = startChangingDirectory(await begin(settings, flags.prune), { settings, begin, end });
  const consolePages = consoleHere({ settings: () => current, plan: () => plan, relay });
  pages = [directory.page, consolePages];
  const first = await output.during('reading manifests', () => Promise.race([settled.promise, end.code]));
  if (typeof first !== 'number')
    output.ready({
      plan: first,
      relay,
      ...settings,
      settingsFile: files.used,
      consoleUrl: isServed(settings) ? consoleUrl(settings, relay.httpPort) : undefined,
    });
  const follower = keepSettings({ file: files.used, flags, current: settings, take: directory.take, registry, log });
  const code = await end.code;
  tls.close();
  await follower?.close();
  await directory.close();
  // a spool that failed is not closed in good order: the next start replays it
  if (code === 0) await relay.close();
  return code;
}

async function firstAnswer(pages: readonly PagesForPeople[], request: PageRequest): Promise<PageAnswer | undefined> {
  for (const page of pages) {
    const answer = await page(request);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

interface Lasting extends Pick<DirectoryOptions, 'installation' | 'decide' | 'onEvent' | 'log'> {
  readonly relay: Relay;
  readonly tls: CertificateKeeper;
  readonly files: SettingsFiles;
  readonly log: Log;
}

/** And what is said of these settings, and by them. */
async function directoryOptions(settings: Settings, { relay, tls, files, ...further }: Lasting) {
  const { log, installation } = further;
  const { classes, relayClass, folder, state } = settings;
  // before the relay reads it: lines about objects name addresses, too
  log.addresses.use({ addresses: 'full', ...classes[relayClass]?.log, key: installation.logKeyOf(relayClass) });
  for (const notice of noticesOf(settings, files)) log.warn({ event: 'settings' }, notice);
  return {
    ...further,
    folder,
    state,
    ignore: Object.values(files),
    settings,
    ports: relay.ports.slice(0, PORTS_SHOWN),
    implicitTlsPorts: relay.implicitTlsPorts.slice(0, PORTS_SHOWN),
    caCertificate: tls.current.ca,
    howToVouch: await howToVouch(settings, files.used),
    relay,
    relayHere: {
      port: relay.ports[0],
      implicitTlsPort: relay.implicitTlsPorts[0],
      httpPort: relay.httpPort,
      ca: () => tls.current.ca,
    },
  };
}

interface RelayParts {
  readonly ports: SharedPorts;
  readonly tls: CertificateKeeper;
  readonly furtherMetrics: () => Promise<string>;
  readonly forPeople: PagesForPeople;
  readonly log: Log;
  readonly onFatal: (error: unknown) => void;
}

async function openRelay(settings: Settings, { ports, tls, forPeople, ...further }: RelayParts): Promise<Relay> {
  const { state, host, http, workers } = settings;
  const configFolder = join(state, RELAY_FOLDER);
  // what the last run wrote may let somebody in who has been shut out since: nothing is served before the first plan
  await rm(configFolder, { recursive: true, force: true });
  await makePrivateFolder(configFolder);
  return startRelay({
    configFolder,
    spoolFolder: spoolFolderOf(settings),
    captureFolder: captureFolderOf(settings),
    certificates: tls.current,
    workers,
    host,
    ...ports,
    http: { host, port: http, forPeople },
    ...further,
  });
}

async function openCertificates(current: () => Settings, log: Log): Promise<CertificateKeeper> {
  const make = () => ensureCertificates(join(current().state, 'tls'), { hostnames: hostnamesOf(current()) });
  return keepCertificates(make, { log });
}

/** Settings that do not do what one might think. */
function noticesOf({ classes }: Settings, { used, bystander }: SettingsFiles): readonly string[] {
  const notices: string[] = [];
  if (Object.values(classes).some(({ existingSendersBefore }) => existingSendersBefore !== undefined)) {
    notices.push(
      'existingSendersBefore has no effect here, since a file cannot prove its age; list the senders under existingSenders',
    );
  }
  if (bystander !== undefined) {
    notices.push(`${bystander} is not in use${used === undefined ? ', as --no-settings says' : `: ${used} is`}`);
  }
  return notices;
}

/** Names by which clients on this machine and elsewhere may call the relay. */
function hostnamesOf({ classes, relayClass, host }: Settings): readonly string[] {
  const isWildcard = host === '0.0.0.0' || host === '::';
  const names = [classes[relayClass]?.hostname ?? 'localhost', 'localhost', '127.0.0.1', '::1'];
  return [...new Set(isWildcard || (isIP(host) === 0 && !host.includes('.')) ? names : [...names, host])];
}
