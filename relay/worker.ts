/**
 * One worker: server, spool and delivery, in the order in which they start, and in which they end. Mostly there is one, in the
 * process that started it; several have a process each, and a parent (workers/parent.ts).
 */
import { hostname } from 'node:os';
import { accept } from './accept.ts';
import { openAdminSocket } from './admin/socket.ts';
import { openConfigFolder, type ConfigFolder } from './config/folder.ts';
import { fingerprintOf } from './fingerprint.ts';
import { deliverySettingsSchema, type DeliverySettings } from './config/config.ts';
import { observeConfig } from './observe/config-changes.ts';
import type { Allow } from './delivery/allowance.ts';
import { createHandover, type PlaceInFleet } from './handover/handover.ts';
import { startDelivery } from './delivery/deliver.ts';
import { watchSpoolFull } from './observe/spool-full.ts';
import type { Log } from './observe/log.ts';
import { createMetrics, type Metrics } from './observe/metrics.ts';
import { mergedQueues, type QueueReport } from './observe/queue-report.ts';
import { replies } from './replies.ts';
import { watchSpool } from './observe/spool-warning.ts';
import { capturedLimitsOf } from './spool/captured.ts';
import { openSpool, type Spool } from './spool/spool.ts';
import type { SharedLimits } from './submission/limits.ts';
import { listen, type Listening, type ListenOptions } from './submission/listen.ts';
import { wallOf } from './steady-time.ts';
import { createSubmissionServer } from './submission/server.ts';
import { createSpanSender } from './tracing/span-sender.ts';
import type { UsageCounter } from './usage/counter.ts';
import type { WorkerState } from './workers/worker-state.ts';

export interface WorkerOptions {
  /** Folder with class.json and shard-NNN.json, watched. */
  readonly configFolder: string;
  readonly spoolFolder: string;
  /** Where the capture upstream writes. */
  readonly captureFolder: string;
  readonly certificates: Certificates;
  readonly log: Log;
  /** The spool can no longer be trusted: the process should end, and replay it at its next start. */
  readonly onFatal: (error: unknown) => void;
  /** Counted for all workers together. Default: of this one alone. */
  readonly limits?: SharedLimits | undefined;
  /** How many connections to smart hosts this worker may open, divided among all workers. Default: no division. */
  readonly allow?: Allow | undefined;
  /** Default: nobody counts. */
  readonly usage?: UsageCounter | undefined;
  /** Other relays that take what is left in the spool when this one goes for good. Default: there are none. */
  readonly fleet?: PlaceInFleet | undefined;
  /** How many take mail: what is bounded for all, and counted by nobody, is divided among them. Default: this one. */
  readonly workers?: number;
  /** Says in the log what becomes of the configuration: of several workers, one will do. Default: true. */
  readonly tellsConfig?: boolean;
}

export interface Certificates {
  /** PEM, with the chain behind it. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  readonly notAfter: Date;
}

export interface Worker {
  /** Takes mail from now on. Rejects where a port that is not optional cannot be had; the worker goes on without any. */
  readonly listen: (options: ListenOptions) => Promise<Listening>;
  readonly state: () => WorkerState;
  readonly metrics: Metrics;
  /** Reads the configuration folder now; resolves when it is in force. */
  readonly reload: () => Promise<void>;
  /** Called after each change of the configuration in force. */
  readonly onConfig: (listener: () => void) => void;
  /** New handshakes use the new certificate. */
  readonly updateCertificates: (certificates: Certificates) => void;
  /** Nothing waits in its spool. */
  readonly isEmpty: () => boolean;
  /** Ends a worker that is empty and takes no mail; of its spool, what is for people stays. */
  readonly discard: () => Promise<void>;
  /**
   * Finishes open transactions, delivers what can go out now, hands the rest to other relays of the fleet where this one goes
   * for good, then ends. What nobody takes stays in the spool: resolves with the number of messages.
   */
  readonly drain: () => Promise<number>;
  /** Ends at once. */
  readonly close: () => Promise<void>;
}

/** Part of the time for a shutdown that clients have; the rest is for what they handed in. */
const DRAIN_SHARE = 0.6;
/** The part of the remaining time that the smart host gets; the rest is for other relays. */
const DELIVERY_SHARE = 0.5;

/** Rejects where the spool cannot be had; what had started by then has ended. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  await using started = new AsyncDisposableStack();
  const { log, captureFolder, certificates, limits, allow, usage, fleet, workers = 1, tellsConfig = true } = options;
  const configLog = tellsConfig ? log : log.child({}, { level: 'silent' });
  const metrics = createMetrics();
  const startTime = new Date().toISOString();
  let fault: string | undefined;
  const config = await openConfigFolder(options.configFolder, {
    log: configLog,
    onError: () => tellsConfig && metrics.configErrors.inc(),
  });
  started.defer(config.close);
  observeConfig(config, { metrics, log, configLog });
  const spool = await openSpool(options.spoolFolder, {
    metrics,
    log,
    reserveBytes: () => settingsOf(config).spoolReserveBytes,
    capturedLimits: () => capturedLimitsOf(settingsOf(config)),
    namespacePercent: () => settingsOf(config).spoolNamespacePercent,
    isGone: (list) => config.current()?.lists.has(list) === false,
    sharers: workers,
    onFatal: (error) => {
      fault = 'the spool failed';
      options.onFatal(error);
    },
  });
  let endSpool = spool.close;
  started.defer(() => endSpool());
  const disk = watchSpoolFull({
    // one that failed is no matter of room
    hasRoom: (bytes) => fault !== undefined || spool.hasRoom(bytes),
    metrics,
    log,
  });
  started.defer(disk.close);
  const warning = watchSpool({ fill: spool.fill, metrics, log });
  started.defer(warning.close);
  const spans = createSpanSender({
    endpoint: () => config.current()?.class.tracing?.endpoint,
    resource: { 'service.name': 'smtp-plus-relay', 'host.name': hostname() },
    metrics,
    log,
  });
  // after all that has something to tell
  started.defer(spans.close);
  const handover = createHandover({ fleet, spool, config: config.current, metrics, log });
  started.defer(handover.close);
  const delivery = startDelivery({
    spool,
    isWithheld: handover.isWithheld,
    config: config.current,
    captureFolder,
    metrics,
    usage,
    spans,
    log,
    sharers: workers,
    ...(allow !== undefined && { allow }),
  });
  started.defer(() => delivery.close());
  if (delivery.queue !== undefined) {
    started.defer(await openAdminSocket(options.spoolFolder, { spool, queue: delivery.queue, log }));
  }
  config.onChange(() => delivery.wake());
  const server = createSubmissionServer({
    config: config.current,
    hostname: hostname(),
    certificate: certificates,
    metrics,
    log,
    ...(limits !== undefined && { limits }),
    ...(usage !== undefined && { usage }),
    spans,
    servers: workers,
    accept: (message, content) => accept({ config: config.current, spool, delivery }, message, content),
    room: {
      refusal: (bytes, namespace) => (fault === undefined ? spool.refusal(bytes, namespace) : replies.diskFailed()),
      use: spool.useRoom,
      incoming: spool.incoming,
    },
    incomingFolder: spool.incomingFolder,
  });
  metrics.certificateExpiry.set(certificates.notAfter.getTime() / 1000);
  let certificate = seen(certificates);
  let listening: Listening | undefined;
  await handover.start(delivery.resume);
  started.defer(async () => listening?.close());
  const running = started.move();

  return {
    metrics,
    listen: async (where) => {
      listening = await listen(server, where);
      return listening;
    },
    state: () => ({
      startTime,
      fault,
      ...stateOf(config),
      ...certificate,
      spoolFullSince: disk.fullSince()?.toISOString(),
      spoolFill: warning.state(),
      handoverPort: handover.port(),
      queue: queueOf(spool),
      upstreams: delivery.upstreams(),
    }),
    reload: config.reload,
    onConfig: config.onChange,
    updateCertificates: (next) => {
      server.updateCertificate(next);
      certificate = seen(next);
      metrics.certificateExpiry.set(next.notAfter.getTime() / 1000);
    },
    isEmpty: spool.isEmpty,
    discard: async () => {
      endSpool = spool.discard;
      await running.disposeAsync();
    },
    drain: async () => {
      const end = performance.now() + settingsOf(config).shutdownSeconds * 1000;
      const leftMs = () => Math.max(0, end - performance.now());
      await listening?.close();
      await handover.stopTaking();
      await server.drain(leftMs() * DRAIN_SHARE);
      await delivery.drain(leftMs() * (fleet === undefined ? 1 : DELIVERY_SHARE));
      // whatever is wrong with it, the rest of the end is to come
      await handover.run(leftMs()).catch((err: unknown) => {
        log.error({ event: 'handover', err }, 'mail stays here: the hand-over to other relays failed');
      });
      const left = spool.size();
      await running.disposeAsync();
      return left;
    },
    close: () => running.disposeAsync(),
  };
}

function seen({ cert, notAfter }: Certificates): Pick<WorkerState, 'certificate' | 'certificateNotAfter'> {
  return { certificate: fingerprintOf(cert), certificateNotAfter: notAfter.toISOString() };
}

function queueOf(spool: Pick<Spool, 'oldest' | 'queued'>): QueueReport {
  const lists = [...spool.queued()];
  const oldest = spool.oldest();
  const messages = lists.reduce((sum, [, count]) => sum + count, 0);
  const oldestTime = oldest === undefined ? undefined : new Date(wallOf(oldest.received)).toISOString();
  return mergedQueues([
    { messages, ...(oldestTime !== undefined && { oldestTime }), lists: Object.fromEntries(lists) },
  ]);
}

function stateOf(config: ConfigFolder) {
  return {
    className: config.current()?.class.name,
    tokenHash: config.current()?.class.pages.tokenHash,
    readTime: config.readTime()?.toISOString(),
    documents: config.hashes(),
    shutdownSeconds: settingsOf(config).shutdownSeconds,
    usageMetrics: config.current()?.class.metrics.usage ?? 0,
  };
}

function settingsOf(config: ConfigFolder): DeliverySettings {
  return config.current()?.class.delivery ?? deliverySettingsSchema.parse({});
}
