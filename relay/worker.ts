/**
 * One worker: server, spool and delivery, in the order in which they start, and in which they end. Mostly there is one, in the
 * process that started it; several have a process each, and a parent (workers/parent.ts).
 */
import { openAdminSocket } from './admin/socket.ts';
import { type Delivery, startDelivery } from './delivery/deliver.ts';
import { createHandover, type Handover } from './handover/handover.ts';
import type { Log } from './observe/log.ts';
import { createMetrics } from './observe/metrics.ts';
import { watchSpoolFull } from './observe/spool-full.ts';
import { watchSpool } from './observe/spool-warning.ts';
import { listen, type Listening } from './submission/listen.ts';
import type { SubmissionServer } from './submission/server.ts';
import { configStateOf, queueOf } from './worker-facts.ts';
import { createServer, followCertificates, openConfig, openSpoolOf, settingsOf, startSpans } from './worker-parts.ts';
import type { Worker, WorkerOptions } from './worker-types.ts';

/** Part of the time for a shutdown that clients have; the rest is for what they handed in. */
const DRAIN_SHARE = 0.6;
/** The part of the remaining time that the smart host gets; the rest is for other relays. */
const DELIVERY_SHARE = 0.5;

/** Rejects where the spool cannot be had; what had started by then has ended. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  await using started = new AsyncDisposableStack();
  const { log, captureFolder, usage, allow, fleet, workers: sharers = 1 } = options;
  const metrics = createMetrics();
  const startTime = new Date().toISOString();
  let fault: string | undefined;

  const config = await openConfig(options, metrics);
  started.defer(config.close);
  const spool = await openSpoolOf(options, {
    config,
    metrics,
    onFatal: (error) => {
      fault = 'the spool failed';
      options.onFatal(error);
    },
  });
  let endSpool = spool.close;
  started.defer(() => endSpool());
  // one that failed is no matter of room
  const disk = watchSpoolFull({ hasRoom: (bytes) => fault !== undefined || spool.hasRoom(bytes), metrics, log });
  started.defer(disk.close);
  const warning = watchSpool({ fill: spool.fill, metrics, log });
  started.defer(warning.close);
  const spans = startSpans(config, { metrics, log });
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
    sharers,
    ...(allow !== undefined && { allow }),
  });
  started.defer(() => delivery.close());
  if (delivery.queue !== undefined) {
    started.defer(await openAdminSocket(options.spoolFolder, { spool, queue: delivery.queue, log }));
  }
  config.onChange(() => delivery.wake());
  const isBroken = (): boolean => fault !== undefined;
  const server = createServer(options, { config, spool, delivery, spans, metrics, isBroken });
  const certificate = followCertificates(options.certificates, { server, metrics });
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
      ...configStateOf(config),
      ...certificate.state(),
      spoolFullSince: disk.fullSince()?.toISOString(),
      spoolFill: warning.state(),
      handoverPort: handover.port(),
      queue: queueOf(spool),
      upstreams: delivery.upstreams(),
    }),
    reload: config.reload,
    onConfig: config.onChange,
    updateCertificates: certificate.update,
    isEmpty: spool.isEmpty,
    discard: async () => {
      endSpool = spool.discard;
      await running.disposeAsync();
    },
    drain: async () => {
      const end = performance.now() + settingsOf(config).shutdownSeconds * 1000;
      await listening?.close();
      await drain({ server, delivery, handover, hasFleet: fleet !== undefined, log }, end);
      const left = spool.size();
      await running.disposeAsync();
      return left;
    },
    close: () => running.disposeAsync(),
  };
}

interface Draining {
  readonly handover: Handover;
  readonly server: SubmissionServer;
  readonly delivery: Delivery;
  readonly hasFleet: boolean;
  readonly log: Log;
}

/** Clients first, then the smart hosts, then other relays; each has a part of what the one before has left of the time. */
async function drain({ handover, server, delivery, hasFleet, log }: Draining, end: number): Promise<void> {
  const leftMs = () => Math.max(0, end - performance.now());
  await handover.stopTaking();
  await server.drain(leftMs() * DRAIN_SHARE);
  await delivery.drain(leftMs() * (hasFleet ? DELIVERY_SHARE : 1));
  // whatever is wrong with it, the rest of the end is to come
  await handover.run(leftMs()).catch((err: unknown) => {
    log.error({ event: 'handover', err }, 'mail stays here: the hand-over to other relays failed');
  });
}
