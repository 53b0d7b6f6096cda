/**
 * Warns before the spool is full, and names the namespaces that have filled most of their share, while whoever runs the
 * relay can still do something about it.
 */
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Fill } from '../spool/shares.ts';

export interface SpoolWarning {
  /** For people and programs that ask. */
  readonly state: () => { readonly percent: number; readonly namespaces: Readonly<Record<string, number>> };
  readonly close: () => void;
}

export interface SpoolWarningOptions {
  readonly fill: (bound: number) => Fill;
  readonly metrics: Pick<Metrics, 'spoolFill' | 'spoolNamespaceFill'>;
  readonly log: Log;
  readonly lookMs?: number;
}

/** Over before it is well below: around the bound there would be a line a second. */
const WARN_AT = 0.8;
const OVER_AT = 0.7;
const LOOK_MS = 1000;

export function watchSpool({ fill, metrics, log, lookMs = LOOK_MS }: SpoolWarningOptions): SpoolWarning {
  /** What a warning was given about: the spool as a whole (`''`), and namespaces. */
  const warned = new Set<string>();
  let last: Fill = { spool: 0, namespaces: [] };

  function judge(namespace: string, value: number): void {
    const about = namespace === '' ? { event: 'spool' } : { event: 'spool', namespace };
    const what = namespace === '' ? 'the spool' : 'the share of a namespace in the spool';
    const percent = percentOf(value);
    if (value >= WARN_AT && !warned.has(namespace)) {
      warned.add(namespace);
      log.warn({ ...about, percent }, `${what} is nearly full: soon mail is refused with 452`);
    } else if (value < OVER_AT && warned.delete(namespace)) {
      log.info({ ...about, percent }, `${what} has room again`);
    }
  }

  function look(): void {
    last = fill(OVER_AT);
    const known = new Map(last.namespaces.map((one) => [one.namespace, one.fill]));
    for (const namespace of new Set([...known.keys(), ...warned])) {
      judge(namespace, namespace === '' ? last.spool : (known.get(namespace) ?? 0));
    }
    judge('', last.spool);
    metrics.spoolFill.set(last.spool);
    metrics.spoolNamespaceFill.reset();
    for (const [namespace, value] of known) metrics.spoolNamespaceFill.set({ namespace }, value);
  }

  look();
  const timer = setInterval(look, lookMs);
  timer.unref();
  return {
    state: () => ({
      percent: percentOf(last.spool),
      namespaces: Object.fromEntries(last.namespaces.map((one) => [one.namespace, percentOf(one.fill)])),
    }),
    close: () => clearInterval(timer),
  };
}

export function isNearlyFull(percent: number): boolean {
  return percent >= percentOf(WARN_AT);
}

function percentOf(value: number): number {
  return Math.round(value * 100);
}
