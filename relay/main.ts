/** The relay: its parts, in the order in which they start, and in which they end. */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { accept } from './accept.ts';
import { openConfigFolder, type ConfigFolder } from './config-folder.ts';
import { startDelivery, type Delivery } from './delivery/deliver.ts';
import { startHttp, type HttpPages } from './http.ts';
import { listen, type Listening, type SkippedPort } from './submission/listen.ts';
import { tellDeadCredentials } from './dead-credentials.ts';
import type { Log } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { watchSpool, type SpoolWarning } from './spool-warning.ts';
import { watchDiskRoom, type DiskRoom } from './disk-room.ts';
import type { KnownUpstreams, UpstreamReport } from './upstream-report.ts';
import { capturedLimitsOf, openSpool } from './spool/spool.ts';
import { replies } from './replies.ts';
import { createSubmissionServer, type SubmissionServer } from './submission/server.ts';
import { deliverySettingsSchema, type RelayConfig } from './config.ts';

export interface RelayOptions {
  /** Folder with class.json and shard-NNN.json, watched. */
  readonly configFolder: string;
  readonly spoolFolder: string;
  /** Where the capture upstream writes. */
  readonly captureFolder: string;
  /** PEM, with the chain behind the certificate. */
  readonly certificates: { readonly cert: string; readonly key: string; readonly notAfter: Date };
  /** Default: all addresses. */
  readonly host?: string | undefined;
  /** Ports that start in clear text, with STARTTLS; 0 takes a free one. */
  readonly ports: readonly number[];
  readonly implicitTlsPorts: readonly number[];
  /** Those that may be missing, since somebody else has them or this user may not open them. Default: none. */
  readonly optionalPorts?: ReadonlySet<number>;
  readonly http: { readonly host?: string | undefined; readonly port: number };
  readonly log: Log;
  /** The spool can no longer be trusted: the process should end, and replay it at its next start. */
  readonly onFatal?: (error: unknown) => void;
}

export interface Relay {
  readonly ports: readonly number[];
  readonly implicitTlsPorts: readonly number[];
  /** Optional ports that could not be had. */
  readonly skippedPorts: readonly SkippedPort[];
  readonly httpPort: number;
  /** SHA-256 of each configuration document in force, by file name. */
  readonly configHashes: () => Readonly<Record<string, string>>;
  /** What is known of the upstreams, by list. */
  readonly upstreams: () => KnownUpstreams;
  /** Since when the spool has had no room. */
  readonly fullSince: () => Date | undefined;
  /** Reads the configuration folder now; resolves when it is in force. */
  readonly reload: () => Promise<void>;
  /** New handshakes use the new certificate. */
  readonly updateCertificates: (certificates: RelayOptions['certificates']) => void;
  /** Ends without losing anything: open transactions are finished, what is not delivered stays in the spool. */
  readonly close: () => Promise<void>;
}

/** Part of the time for a shutdown that clients have; the rest is for what they handed in. */
const DRAIN_SHARE = 0.6;

/** Starts a relay. Rejects where a port that is not optional, the HTTP port or the spool can be had; what had started by then has ended. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  await using started = new AsyncDisposableStack();
  const { log, captureFolder, certificates } = options;
  const metrics = createMetrics();
  const state = createState(options);
  const config = await openConfigFolder(options.configFolder, { log, onError: () => metrics.configErrors.inc() });
  started.defer(config.close);
  watchConfig(config, { metrics, log });
  const reserveBytes = () => settingsOf(config).spoolReserveBytes;
  const capturedLimits = () => capturedLimitsOf(settingsOf(config));
  const spool = await openSpool(options.spoolFolder, {
    metrics,
    log,
    reserveBytes,
    capturedLimits,
    namespacePercent: () => settingsOf(config).spoolNamespacePercent,
    onFatal: state.fail,
  });
  started.defer(() => spool.close());
  const disk = watchDiskRoom({
    // one that failed is no matter of room
    hasRoom: (bytes) => state.fault() !== undefined || spool.hasRoom(bytes),
    metrics,
    log,
  });
  started.defer(disk.close);
  const warning = watchSpool({ fill: spool.fill, metrics, log });
  started.defer(warning.close);
  const delivery = startDelivery({ spool, config: config.current, captureFolder, metrics, log });
  started.defer(() => delivery.close());
  config.onChange(() => delivery.wake());
  const server = createSubmissionServer({
    config: config.current,
    hostname: hostname(),
    certificate: certificates,
    metrics,
    log,
    accept: (message, content) => accept({ config: config.current, spool, delivery }, message, content),
    room: {
      refusal: (bytes, namespace) =>
        state.fault() === undefined ? spool.refusal(bytes, namespace) : replies.diskFailed(),
      use: spool.useRoom,
      incoming: spool.incoming,
    },
    incomingFolder: spool.incomingFolder,
  });
  const listening = await listen(server, options);
  started.defer(() => listening.close());
  const http = await startHttp(pages({ config, metrics, state, delivery, disk, warning }), options.http);
  started.defer(() => http.close());
  metrics.certificateExpiry.set(certificates.notAfter.getTime() / 1000);
  const running = started.move();

  return {
    ports: listening.ports,
    implicitTlsPorts: listening.implicitTlsPorts,
    skippedPorts: listening.skippedPorts,
    httpPort: http.port,
    configHashes: config.hashes,
    upstreams: delivery.upstreams,
    fullSince: disk.fullSince,
    reload: config.reload,
    updateCertificates: (next) => {
      server.updateCertificate(next);
      metrics.certificateExpiry.set(next.notAfter.getTime() / 1000);
    },
    close: async () => {
      state.close();
      await drain({ config, listening, server, delivery });
      await running.disposeAsync();
    },
  };
}

type State = ReturnType<typeof createState>;

/** What health and readiness depend on, besides the configuration. */
function createState({ onFatal }: Pick<RelayOptions, 'onFatal'>) {
  let fault: string | undefined;
  let isClosing = false;
  return {
    fault: () => fault,
    isClosing: () => isClosing,
    fail: (error: unknown) => {
      fault = 'the spool failed';
      onFatal?.(error);
    },
    close: () => {
      isClosing = true;
    },
  };
}

interface Parts {
  readonly config: ConfigFolder;
  readonly listening: Listening;
  readonly server: SubmissionServer;
  readonly delivery: Delivery;
}

async function drain({ config, listening, server, delivery }: Parts): Promise<void> {
  const budgetMs = settingsOf(config).shutdownSeconds * 1000;
  const start = performance.now();
  await listening.close();
  await server.drain(budgetMs * DRAIN_SHARE);
  await delivery.drain(Math.max(0, budgetMs - (performance.now() - start)));
}

interface Told {
  readonly config: ConfigFolder;
  readonly metrics: Metrics;
  readonly state: State;
  readonly delivery: Delivery;
  readonly disk: DiskRoom;
  readonly warning: SpoolWarning;
}

function pages({ config, metrics, state, delivery, disk, warning }: Told): HttpPages {
  const startTime = new Date().toISOString();
  const notReady = () => (config.current() === undefined ? 'no complete configuration yet' : undefined);
  return {
    metrics: async () => ({ contentType: metrics.registry.contentType, body: await metrics.registry.metrics() }),
    unhealthy: state.fault,
    // not where its disk is full: it cannot know whether another relay has room, and without any of them in the Service
    // clients would hear nothing in place of a reply that says why
    unready: () => state.fault() ?? (state.isClosing() ? 'shutting down' : notReady()),
    configz: () => ({
      class: config.current()?.class.name,
      readTime: config.readTime(),
      documents: config.hashes(),
      spoolFullSince: disk.fullSince(),
      spoolFill: warning.state(),
    }),
    upstreamz: (): UpstreamReport => ({ startTime, upstreams: delivery.upstreams() }),
  };
}

function watchConfig(config: ConfigFolder, { metrics, log }: { metrics: Metrics; log: Log }): void {
  let before: RelayConfig | undefined;
  const tell = () => {
    const current = config.current();
    if (current !== undefined) {
      log.addresses.use(current.class.log);
      if (before !== undefined) tellDeadCredentials(before, current, log);
      before = current;
    }
    const hashes = Object.entries(config.hashes()).toSorted(([a], [b]) => a.localeCompare(b));
    const hash = createHash('sha256').update(JSON.stringify(hashes)).digest('hex').slice(0, 16);
    metrics.configInfo.reset();
    metrics.configInfo.set({ hash }, 1);
    metrics.configTimestamp.set((config.readTime()?.getTime() ?? 0) / 1000);
  };
  config.onChange(tell);
  tell();
}

function settingsOf(config: ConfigFolder) {
  return config.current()?.class.delivery ?? deliverySettingsSchema.parse({});
}
