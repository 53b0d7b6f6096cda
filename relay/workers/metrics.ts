/** Metrics of several workers, as those of one relay. */
import { AggregatorRegistry, Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { shownLabels, type ShownValues, TENANT_LABELS } from '../observe/tenant-labels.ts';

/** The metrics of one registry. */
type MetricObjects = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** What a worker counts, as it travels between processes. */
export interface WorkerMetrics {
  readonly objects: MetricObjects;
  /** What its labels may name now. Absent: it has no configuration yet. */
  readonly shown?: ShownValues | undefined;
}

export function createParentMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  /** What workers had counted that are gone: a count that sinks would be taken for a new one. */
  let past: MetricObjects = [];
  let turn = Promise.resolve();

  async function add({ objects, shown: values }: WorkerMetrics): Promise<void> {
    const counts = objects.filter(({ type }) => ONLY_GROWS.has(String(type)));
    past = JSON.parse(JSON.stringify(await AggregatorRegistry.aggregate([past, counts]).getMetricsAsJSON()));
    if (values !== undefined) past = withoutGone(past, values);
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
    keep: (last: WorkerMetrics): Promise<void> => {
      // one after the other: each adds to what there was
      turn = turn.then(() => add(last));
      return turn;
    },
    /** @param workers what each of them counts now. */
    page: async (workers: readonly WorkerMetrics[]): Promise<{ contentType: string; body: string }> => {
      await turn;
      // all of them have the same configuration, or will in a moment
      const values = workers.find((one) => one.shown !== undefined)?.shown;
      if (values !== undefined) past = withoutGone(past, values);
      const objects = workers.map((one) => one.objects);
      const all = AggregatorRegistry.aggregate([await registry.getMetricsAsJSON(), past, ...objects]);
      return { contentType: registry.contentType, body: await all.metrics() };
    },
  };
}

/** What workers that are gone had counted of lists and smart hosts that are gone, too. */
function withoutGone(objects: MetricObjects, values: ShownValues): MetricObjects {
  const { has } = shownLabels(values);
  const isShown = (labels: Partial<Record<string, string | number>>): boolean =>
    TENANT_LABELS.every((label) => labels[label] === undefined || has(label, String(labels[label])));
  return objects.map((object) =>
    Object.assign(object, { values: object.values.filter(({ labels }) => isShown(labels)) }),
  );
}

const ONLY_GROWS: ReadonlySet<string> = new Set(['counter', 'histogram']);
