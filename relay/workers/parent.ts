/**
 * The parent of several workers. It takes no mail: it starts them, replaces those that end, counts what holds for all
 * of them together, speaks for all of them on the HTTP port, and ends them. Each has a spool of its own, and the system
 * divides connections among those that listen. Where there used to be more workers, one more process per spool left
 * behind empties it.
 */
import { createSecureContext } from 'node:tls';
import { sharedCountersIn } from '../counters/settings.ts';
import { createSharedCounters } from '../counters/shared-counters.ts';
import { startHttp } from '../observe/http.ts';
import type { Relay, RelayOptions } from '../main.ts';
import { pagesOf, queueReportOf, stateReportOf } from '../observe/pages.ts';
import { createSharedLimits } from '../submission/limits.ts';
import { listen, type Listening } from '../submission/listen.ts';
import { openUsage } from '../usage/usage.ts';
import type { Certificates } from '../worker-types.ts';
import { commonDocuments, fullSince, mergedUpstreams, type WorkerState } from './worker-state.ts';
import type { CertificatesText, WhereToListen } from './messages.ts';
import { createHostPlaces } from './host-places.ts';
import { createParentMetrics } from './metrics.ts';
import { createSlot, type Slot } from './slot.ts';
import { spoolFolderOfWorker } from './spool-folders.ts';

export interface WorkerNumbers {
  /** How many take mail. */
  readonly workers: number;
  /** Numbers of those that are no more, and whose spool is to be emptied. */
  readonly left: readonly number[];
}

/** How long a turn lasts where a smart host allows fewer connections than there are workers. */
const TURN_MS = 2000;

export async function startParent(options: RelayOptions, { workers, left }: WorkerNumbers): Promise<Relay> {
  const { log, configFolder, captureFolder } = options;
  await using started = new AsyncDisposableStack();
  const metrics = createParentMetrics();
  const places = createHostPlaces();
  const usage = await openUsage(options);
  const counters = createSharedCounters({ settings: sharedCountersIn(configFolder), log });
  const limits = createSharedLimits({ months: usage.months, counters });
  // after the workers, who count to their end
  started.defer(usage.close);
  started.defer(counters.close);
  const turns = setInterval(places.rotate, TURN_MS);
  started.defer(() => clearInterval(turns));
  let certificates = textOf(options.certificates);
  let isClosing = false;

  const slotOf = (number: number): Slot => {
    const spoolFolder = spoolFolderOfWorker(options.spoolFolder, number);
    const takesMail = number <= workers;
    const isFirst = number === 1;
    // other relays ask again at the same spool, which of several is always there
    const fleet = options.fleet && { ...options.fleet, port: isFirst ? options.fleet.port : undefined };
    const fixed = { number, takesMail, workers, tellsConfig: isFirst, configFolder, captureFolder, spoolFolder, fleet };
    return createSlot({
      number,
      start: () => ({ ...fixed, certificates, log: log.addresses.settings() }),
      limits,
      places,
      usage,
      log,
      onEnd: ({ isDrained, counted }) => {
        if (!isDrained) metrics.workersEnded.inc();
        void metrics.keep(counted);
      },
    });
  };
  const takers = Array.from({ length: workers }, (_, index) => slotOf(index + 1));
  const emptiers = left.map(slotOf);
  const slots = [...takers, ...emptiers];
  started.defer(async () => void (await Promise.all(slots.map((slot) => slot.kill()))));

  if (left.length > 0) log.info({ event: 'worker', left }, 'mail of workers that are no more is delivered');
  await counters.start();
  const listening = await startAll(takers, options);
  usage.keep();
  usage.onPause(() => {
    for (const slot of slots) slot.process()?.tell({ kind: 'paused', paused: usage.paused() });
  });
  // where one of these cannot be emptied, that is no reason to take no mail
  for (const slot of emptiers) void slot.open().catch(() => undefined);
  for (const slot of slots) slot.watch();

  const states = (): WorkerState[] => takers.flatMap((slot) => slot.process()?.state() ?? []);
  const http = await startHttp(
    pagesOf({
      states,
      metrics: async () => {
        metrics.workers.set(takers.filter((slot) => slot.isListening()).length);
        return metrics.page(await Promise.all(slots.flatMap((slot) => slot.process()?.metrics() ?? [])));
      },
      furtherMetrics: options.furtherMetrics,
      usage: usage.report,
      counters,
      isClosing: () => isClosing,
    }),
    options.http,
  );
  started.defer(() => http.close());
  const running = started.move();

  return {
    ...listening,
    httpPort: http.port,
    handoverPort: states()[0]?.handoverPort,
    configHashes: () => commonDocuments(states()),
    upstreams: () => mergedUpstreams(states()),
    usage: usage.report,
    queue: () => queueReportOf(states()),
    state: () => stateReportOf(states()),
    fullSince: () => {
      const since = fullSince(states());
      return since === undefined ? undefined : new Date(since);
    },
    reload: async () => {
      await Promise.all(takers.map(async (slot) => slot.process()?.reload()));
    },
    updateCertificates: (next) => {
      // throws where the two do not match, as it would in each worker
      createSecureContext(next);
      certificates = textOf(next);
      for (const slot of slots) slot.process()?.tell({ kind: 'certificates', certificates });
    },
    close: async () => {
      isClosing = true;
      // one that has yet to open has said nothing of it, and is given the same time
      const seconds = Math.max(0, ...states().map(({ shutdownSeconds }) => shutdownSeconds));
      const left = await Promise.all(slots.map((slot) => slot.stop(seconds)));
      await running.disposeAsync();
      return left.reduce((sum, one) => (sum === undefined || one === undefined ? undefined : sum + one), 0);
    },
  };
}

/** Resolves when all take mail at the same ports; rejects where one of them cannot. */
async function startAll(takers: readonly Slot[], options: RelayOptions): Promise<Omit<Listening, 'close'>> {
  const free = await freePorts(options, { isShared: takers.length > 1 });
  await Promise.all(takers.map((slot) => slot.open()));
  const [first, ...others] = takers;
  if (first === undefined) throw new Error('there are no workers');
  // port 0 becomes a real one, which the others share
  const { ports, implicitTlsPorts, skippedPorts } = await first.listen(free.where);
  const where = { ...free.where, ports, implicitTlsPorts, optionalPorts: [] };
  await Promise.all(others.map((slot) => slot.listen(where)));
  return { ports, implicitTlsPorts, skippedPorts: [...free.skippedPorts, ...skippedPorts] };
}

/**
 * Those that nobody has. Workers share their ports with any process of this user that shares its own: a second relay would
 * take half of the connections of this one, and nobody would notice.
 */
async function freePorts(
  options: RelayOptions,
  { isShared }: Pick<WhereToListen, 'isShared'>,
): Promise<{ where: WhereToListen; skippedPorts: Listening['skippedPorts'] }> {
  const nobody = { connect: hangUp, connectImplicitTls: hangUp };
  const probe = await listen(nobody, options);
  await probe.close();
  const skipped = new Set(probe.skippedPorts.map(({ port }) => port));
  const isFree = (port: number): boolean => !skipped.has(port);
  return {
    where: {
      host: options.host,
      ports: options.ports.filter(isFree),
      implicitTlsPorts: options.implicitTlsPorts.filter(isFree),
      optionalPorts: [...(options.optionalPorts ?? [])],
      isShared,
    },
    skippedPorts: probe.skippedPorts,
  };
}

function hangUp(socket: { destroy(): unknown }): void {
  socket.destroy();
}

function textOf({ cert, key, notAfter }: Certificates): CertificatesText {
  return { cert, key, notAfter: notAfter.toISOString() };
}
