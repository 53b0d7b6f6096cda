/** Metrics of several workers, as those of one relay. */
import { AggregatorRegistry, Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';

/** Of one registry, as they travel between processes. */
export type MetricObjects = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

export function createParentMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  /** What workers had counted that are gone: a count that sinks would be taken for a new one. */
  let past: MetricObjects = [];
  let turn = Promise.resolve();

  async function add(last: MetricObjects): Promise<void> {
    const counts = last.filter(({ type }) => ONLY_GROWS.has(String(type)));
    past = JSON.parse(JSON.stringify(await AggregatorRegistry.aggregate([past, counts]).getMetricsAsJSON()));
  }

  return {
    registry,
    workers: new Gauge({ name: 'smtpplus_workers', help: 'Workers that accept mail now', registers }),
    workersEnded: new Counter({
      name: 'smtpplus_workers_ended_total',
      help: 'Workers that ended unexpectedly (a crash, a spool that failed, a hang), and that are replaced',
      registers,
    }),
    /** @param last what a worker had counted when it was asked for the last time. */
    keep: (last: MetricObjects): Promise<void> => {
      // one after the other: each adds to what there was
      turn = turn.then(() => add(last));
      return turn;
    },
    /** @param workers what each of them counts now. */
    page: async (workers: readonly MetricObjects[]): Promise<{ contentType: string; body: string }> => {
      await turn;
      const all = AggregatorRegistry.aggregate([await registry.getMetricsAsJSON(), past, ...workers]);
      return { contentType: registry.contentType, body: await all.metrics() };
    },
  };
}

const ONLY_GROWS: ReadonlySet<string> = new Set(['counter', 'histogram']);
