/**
 * Metric labels whose values tenants choose: lists, and smart hosts as lists name them. A value has series of its own
 * for as long as the configuration has it and there are not too many; the rest are counted as one. Which ones those are
 * follows from the configuration alone, so that all relays of a class, and all their workers, show the same ones.
 */
import type { RelayConfig, UpstreamConfig } from '../config/config.ts';

export const TENANT_LABELS = ['list', 'upstream'] as const;
export type TenantLabel = (typeof TENANT_LABELS)[number];

/** The values that have series of their own. */
export type ShownValues = Readonly<Record<TenantLabel, readonly string[]>>;

/** All values that have none of their own. No list and no smart host is called so: the one has a slash, the other a colon. */
export const OTHER = 'other';
/** For clients that have not logged in. */
export const NO_LIST = '-';

/** For what the relay decides by itself, without asking a smart host. */
export const NO_UPSTREAM = 'none';

/** What no tenant chooses. */
const ALWAYS_SHOWN: ReadonlySet<string> = new Set([OTHER, NO_LIST, NO_UPSTREAM, 'capture', 'unresolved']);

export function upstreamLabel(upstream: UpstreamConfig): string {
  return upstream.kind === 'smtp' ? `${upstream.host}:${upstream.port}` : upstream.kind;
}

export function shownValues({ lists, class: { metrics } }: Pick<RelayConfig, 'lists' | 'class'>): ShownValues {
  const most = metrics.labels;
  const list = lists.size > most ? inTurns([...lists.keys()]) : [...lists.keys()];
  const upstreams = new Set<string>();
  for (const key of list) {
    const upstream = lists.get(key)?.upstream;
    if (upstream !== undefined && upstreams.size < most) upstreams.add(upstreamLabel(upstream));
  }
  return { list: list.slice(0, most), upstream: [...upstreams] };
}

/** The first list of each namespace, then the second of each: a namespace that makes a thousand takes nobody else's place. */
function inTurns(lists: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  const placed = lists.toSorted().map((key) => {
    const namespace = key.slice(0, key.indexOf('/'));
    const place = counts.get(namespace) ?? 0;
    counts.set(namespace, place + 1);
    return { key, place };
  });
  return placed.sort((a, b) => a.place - b.place).map(({ key }) => key);
}

export interface ShownLabels {
  /** Whether the value has series of its own. */
  readonly has: (label: TenantLabel, value: string) => boolean;
  readonly values: ShownValues;
}

export function shownLabels(values: ShownValues): ShownLabels {
  const sets = { list: new Set(values.list), upstream: new Set(values.upstream) };
  return { values, has: (label, value) => ALWAYS_SHOWN.has(value) || sets[label].has(value) };
}
