/** The parts of a worker that take more than a line to put together, each as its options and the parts before it want it. */
import { hostname } from 'node:os';
import { accept } from './accept.ts';
import { deliverySettingsSchema, type DeliverySettings } from './config/config.ts';
import { openConfigFolder, type ConfigFolder } from './config/folder.ts';
import type { Delivery } from './delivery/deliver.ts';
import { fingerprintOf } from './fingerprint.ts';
import { observeConfig } from './observe/config-changes.ts';
import type { Metrics } from './observe/metrics.ts';
import { replies } from './replies.ts';
import { capturedLimitsOf } from './spool/captured.ts';
import { openSpool, type Spool, type SpoolOptions } from './spool/spool.ts';
import { createSubmissionServer, type SubmissionServer } from './submission/server.ts';
import { createSpanSender, type SpanSender } from './tracing/span-sender.ts';
import type { Certificates, WorkerOptions } from './worker-types.ts';

/** Of several workers, one will do to say what becomes of the configuration. */
export async function openConfig({ configFolder, log, tellsConfig = true }: WorkerOptions, metrics: Metrics) {
  const configLog = tellsConfig ? log : log.child({}, { level: 'silent' });
  const config = await openConfigFolder(configFolder, {
    log: configLog,
    onError: () => tellsConfig && metrics.configErrors.inc(),
  });
  observeConfig(config, { metrics, log, configLog });
  return config;
}

export async function openSpoolOf(
  { spoolFolder, log, workers = 1 }: WorkerOptions,
  { config, ...parts }: Pick<SpoolOptions, 'metrics' | 'onFatal'> & { readonly config: ConfigFolder },
): Promise<Spool> {
  return openSpool(spoolFolder, {
    ...parts,
    log,
    reserveBytes: () => settingsOf(config).spoolReserveBytes,
    capturedLimits: () => capturedLimitsOf(settingsOf(config)),
    namespacePercent: () => settingsOf(config).spoolNamespacePercent,
    isGone: (list) => config.current()?.lists.has(list) === false,
    sharers: workers,
  });
}

export function startSpans(
  config: ConfigFolder,
  observers: Pick<WorkerOptions, 'log'> & { readonly metrics: Metrics },
) {
  return createSpanSender({
    endpoint: () => config.current()?.class.tracing?.endpoint,
    resource: { 'service.name': 'smtp-plus-relay', 'host.name': hostname() },
    ...observers,
  });
}

interface ServerParts {
  readonly config: ConfigFolder;
  readonly spool: Spool;
  readonly delivery: Delivery;
  readonly spans: SpanSender;
  readonly metrics: Metrics;
  /** The spool can no longer be trusted. */
  readonly isBroken: () => boolean;
}

export function createServer(
  { certificates, limits, usage, log, workers = 1 }: WorkerOptions,
  { config, spool, delivery, spans, metrics, isBroken }: ServerParts,
): SubmissionServer {
  return createSubmissionServer({
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
      refusal: (bytes, namespace) => (isBroken() ? replies.diskFailed() : spool.refusal(bytes, namespace)),
      use: spool.useRoom,
      incoming: spool.incoming,
    },
    incomingFolder: spool.incomingFolder,
  });
}

/** Has new handshakes use the latest certificate, and says which one that is. */
export function followCertificates(
  first: Certificates,
  { server, metrics }: { readonly server: SubmissionServer; readonly metrics: Metrics },
) {
  const follow = ({ cert, notAfter }: Certificates) => {
    metrics.certificateExpiry.set(notAfter.getTime() / 1000);
    return { certificate: fingerprintOf(cert), certificateNotAfter: notAfter.toISOString() };
  };
  let inUse = follow(first);
  return {
    update: (next: Certificates): void => {
      server.updateCertificate(next);
      inUse = follow(next);
    },
    state: () => inUse,
  };
}

export function settingsOf(config: ConfigFolder): DeliverySettings {
  return config.current()?.class.delivery ?? deliverySettingsSchema.parse({});
}
