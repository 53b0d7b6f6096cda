/** Metrics with labels that tenants choose, kept within the bounds of tenant-labels.ts wherever they are counted. */
import type { Counter, Gauge, Histogram } from 'prom-client';
import {
  OTHER,
  type ShownLabels,
  shownLabels,
  type ShownValues,
  TENANT_LABELS,
  type TenantLabel,
} from './tenant-labels.ts';

type Labels<Name extends string> = Readonly<Record<Name, string>>;

export interface TenantCounter<Name extends string> {
  readonly inc: (labels: Labels<Name>, by?: number) => void;
}

export interface TenantHistogram<Name extends string> {
  readonly observe: (labels: Labels<Name>, value: number) => void;
}

/** What goes up and down. */
export interface TenantLevel<Name extends string> {
  readonly step: (label: Labels<Name>, by: 1 | -1) => void;
}

export function createTenantMetrics() {
  // before the first configuration there are no tenants
  let current: ShownLabels | undefined;
  const forgetters: (() => Promise<void> | void)[] = [];

  const isShown = (label: TenantLabel, value: string): boolean => current?.has(label, value) ?? true;
  const isGone = (labels: Partial<Record<string, string | number>>): boolean =>
    TENANT_LABELS.some((label) => labels[label] !== undefined && !isShown(label, String(labels[label])));

  function bounded<Name extends string>(labels: Labels<Name>): Labels<Name> {
    const all: Partial<Record<string, string>> = labels;
    const gone = TENANT_LABELS.filter((label) => all[label] !== undefined && !isShown(label, all[label]));
    return gone.length === 0 ? labels : { ...labels, ...Object.fromEntries(gone.map((label) => [label, OTHER])) };
  }

  function counter<Name extends string>(counted: Counter<Name>): TenantCounter<Name> {
    forgetters.push(async () => {
      for (const { labels } of (await counted.get()).values) if (isGone(labels)) counted.remove(labels);
    });
    return { inc: (labels, by) => counted.inc(bounded(labels), by) };
  }

  /** Has one label only: the other label values of a histogram, bounds and sums, cannot be asked for. */
  function histogram<Name extends TenantLabel>(observed: Histogram<Name>, name: Name): TenantHistogram<Name> {
    const known = new Set<string>();
    forgetters.push(() => {
      for (const value of known) {
        if (isShown(name, value)) continue;
        observed.remove({ [name]: value } as Record<Name, string>);
        known.delete(value);
      }
    });
    return {
      observe: (labels, value) => {
        const told = bounded(labels);
        known.add(told[name]);
        observed.observe(told, value);
      },
    };
  }

  function level<Name extends TenantLabel>(gauge: Gauge<Name>, name: Name): TenantLevel<Name> {
    /** By what tenants call it: what is shown may change between a step up and a step down. */
    const counts = new Map<string, number>();
    const tell = (): void => {
      gauge.reset();
      for (const [value, count] of counts) {
        if (count === 0 && !isShown(name, value)) counts.delete(value);
        else gauge.inc(bounded({ [name]: value } as Labels<Name>), count);
      }
    };
    forgetters.push(tell);
    return {
      step: (labels, by) => {
        counts.set(labels[name], (counts.get(labels[name]) ?? 0) + by);
        tell();
      },
    };
  }

  return {
    counter,
    histogram,
    level,
    /** From now on these have series of their own; those of others are forgotten. */
    show: async (values: ShownValues): Promise<void> => {
      current = shownLabels(values);
      for (const forget of forgetters) await forget();
    },
    shownValues: (): ShownValues | undefined => current?.values,
  };
}
