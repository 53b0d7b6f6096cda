/**
 * A worker in a process of its own: reports what happens, does what its parent says, and never outlives it. Signals are
 * the parent's business: a terminal sends Ctrl-C to all of them, and each should end when its turn comes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createLog, openStdout, type Log } from '../observe/log.ts';
import { SpoolInUse } from '../spool/lock.ts';
import type { Certificates, Worker, WorkerOptions } from '../worker-types.ts';
import { startWorker } from '../worker.ts';
import { createWorkerUsage } from '../usage/worker-usage.ts';
import { askLimits } from './asked-limits.ts';
import { askPlaces } from './asked-places.ts';
import type { WorkerMetrics } from './metrics.ts';
import type { CertificatesText, FromWorker, SystemError, ToWorker, WhereToListen, WorkerStart } from './messages.ts';

const STATE_MS = 1000;
/** Where a parent was killed and is started again, workers of the one before may be about to end. */
const LOCK_WAIT_MS = 5000;
const LOCK_LOOK_MS = 50;
/** How often one that only delivers looks whether something is left. */
const EMPTY_LOOK_MS = 200;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.once('disconnect', endWithParent);
// killed while this was being loaded: nobody says so any more
if (!process.connected) endWithParent();

const asked = askLimits(send);
const places = askPlaces(send);
const usage = createWorkerUsage();
const NOTHING_COUNTED = { counted: [], seen: [] };
const starting = Promise.withResolvers<Worker>();
let worker: Worker | undefined;
let isStopping = false;
/** As JSON. */
let toldUpstreams = '';
process.on('message', (message: ToWorker) => {
  void hear(message).catch(fail);
});

/**
 * Nobody counts for it any more, nobody tells it to end, and its ports and its spool are somebody else's. At once, as if it
 * had been killed with its parent: what runs at an exit may wait for who is gone.
 */
function endWithParent(): void {
  process.kill(process.pid, 'SIGKILL');
}

function send(message: FromWorker): void {
  // a parent that is gone is told of by `disconnect`
  process.send?.(message, undefined, undefined, () => undefined);
}

/** An exit does not wait for what is still to be said. */
function sayLast(message: FromWorker, exitCode: number): void {
  process.send?.(message, undefined, undefined, () => process.exit(exitCode));
}

async function hear(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'start':
      return start(message.start);
    case 'listen':
      return listen(message.where);
    case 'counted':
    case 'verify':
      return asked.hear(message);
    case 'places':
      return places.hear(message);
    case 'paused':
      return usage.setPaused(message.paused);
    case 'certificates':
      return worker?.updateCertificates(certificatesOf(message.certificates));
    case 'reload':
      await worker?.reload();
      tell();
      return send({ kind: 'reloaded', id: message.id });
    case 'metrics':
      return send({ kind: 'metrics', id: message.id, metrics: await metricsOf(worker) });
    case 'stop':
      isStopping = true;
      // it may have been told so before its spool was open
      send({ kind: 'left', left: await (await starting.promise).drain() });
      return sayLast({ kind: 'usage', usage: usage.take() ?? NOTHING_COUNTED }, 0);
  }
}

async function start(options: WorkerStart): Promise<void> {
  const { number, takesMail, certificates } = options;
  // at once: what waits in memory it would write at the exit, for ever where nobody reads any more
  const log = createLog(openStdout({ sync: true }), { worker: number });
  log.addresses.use(options.log);
  worker = await startOnceFree({
    ...options,
    certificates: certificatesOf(certificates),
    log,
    limits: asked.limits,
    allow: places.allow,
    usage: usage.counter,
    onFatal: (error) => endBySpool(log, error),
  });
  starting.resolve(worker);
  worker.onConfig(tell);
  setInterval(tell, STATE_MS);
  if (!takesMail) return deliverAll(worker);
  // what came while the spool was opened: once it says that it is open, the parent counts on what it says it runs
  await worker.reload();
  send({ kind: 'open', state: worker.state() });
}

async function startOnceFree(options: WorkerOptions): Promise<Worker> {
  const deadline = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      return await startWorker(options);
    } catch (error) {
      if (!(error instanceof SpoolInUse) || performance.now() > deadline) throw error;
      await sleep(LOCK_LOOK_MS);
    }
  }
}

async function listen({ optionalPorts, ...where }: WhereToListen): Promise<void> {
  const listening = await worker?.listen({ ...where, optionalPorts: new Set(optionalPorts) });
  if (listening === undefined) return;
  const { ports, implicitTlsPorts, skippedPorts } = listening;
  send({ kind: 'listening', listening: { ports, implicitTlsPorts, skippedPorts } });
}

/** What a larger number of workers left behind. */
async function deliverAll(worker: Worker): Promise<void> {
  send({ kind: 'open', state: worker.state() });
  while (!worker.isEmpty()) {
    await sleep(EMPTY_LOOK_MS);
    if (isStopping) return;
  }
  await worker.discard();
  tellUsage();
  sayLast({ kind: 'drained', metrics: await metricsOf(worker) }, 0);
}

async function metricsOf(worker: Worker | undefined): Promise<WorkerMetrics> {
  if (worker === undefined) return { objects: [] };
  const { registry, shownValues } = worker.metrics;
  return { objects: await registry.getMetricsAsJSON(), shown: shownValues() };
}

function tell(): void {
  if (worker === undefined) return;
  const { upstreams, ...state } = worker.state();
  const text = JSON.stringify(upstreams);
  send({ kind: 'state', state: text === toldUpstreams ? state : { ...state, upstreams } });
  toldUpstreams = text;
  tellUsage();
}

function tellUsage(): void {
  const news = usage.take();
  if (news !== undefined) send({ kind: 'usage', usage: news });
}

function endBySpool(log: Log, error: unknown): void {
  log.fatal({ event: 'spool', err: error }, 'the spool failed; the worker ends, and the next one replays it');
  process.exit(1);
}

function fail(error: unknown): void {
  const { message, code, syscall, path, port } = error as NodeJS.ErrnoException & { readonly port?: number };
  const known: SystemError = { message, code, syscall, path, port };
  sayLast({ kind: 'failed', error: known }, 1);
}

function certificatesOf({ cert, key, notAfter }: CertificatesText): Certificates {
  return { cert, key, notAfter: new Date(notAfter) };
}
