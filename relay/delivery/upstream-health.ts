/**
 * What attempts have shown of one upstream, list by list. It is evidence and no more: a list without mail says nothing
 * about its upstream, a failure or two may be a restart, and an upstream that has not been tried for long may be well
 * again.
 */
import type { DeliverySettings, UpstreamConfig } from '../config/config.ts';
import type { UpstreamTrouble } from '../observe/upstream-report.ts';
import { tellable } from './tellable.ts';
import type { TransportResult } from './transport.ts';

export interface UpstreamHealth {
  /** What an attempt with mail of this list has told. */
  heard(list: string, result: TransportResult, now: number): void;
  /** There is mail of the list to hand over. */
  awaits(list: string): void;
  /** Undefined while the upstream takes mail, and while it has not failed for long. */
  trouble(now: number): UpstreamTrouble | undefined;
  /** Lists that have had mail while the upstream was as it is now. */
  lists(): ReadonlySet<string>;
  /** Nobody is led here any more. */
  close(): void;
}

export interface HealthOptions {
  readonly upstream: UpstreamConfig;
  readonly settings: () => DeliverySettings;
  /** How many upstreams are in trouble has changed. */
  readonly onTrouble: (step: 1 | -1) => void;
}

interface Failures {
  readonly since: number;
  last: number;
  error: string;
  isTold: boolean;
  readonly lists: Set<string>;
}

/** While mail waits, it is tried more often than this and twice as often as messages are retried. */
const STALE_MIN_MS = 600_000;

export function createUpstreamHealth({ upstream, settings, onTrouble }: HealthOptions): UpstreamHealth {
  const served = new Set<string>();
  let failures: Failures | undefined;

  function end(): void {
    if (failures?.isTold === true) onTrouble(-1);
    failures = undefined;
  }

  function succeed(list: string): void {
    for (const one of failures?.lists ?? []) served.add(one);
    served.add(list);
    end();
  }

  function fail(list: string, error: string, now: number): void {
    failures ??= { since: now, last: now, error, isTold: false, lists: new Set() };
    failures.lists.add(list);
    failures.last = now;
    failures.error = error;
    if (failures.isTold || now - failures.since < settings().unreachableSeconds * 1000) return;
    failures.isTold = true;
    onTrouble(1);
  }

  function troubled(now: number): Failures | undefined {
    const staleMs = Math.max(STALE_MIN_MS, 2 * settings().retryMostSeconds * 1000);
    if (failures !== undefined && now - failures.last > staleMs) {
      for (const list of failures.lists) served.delete(list);
      end();
    }
    return failures?.isTold === true ? failures : undefined;
  }

  return {
    heard: (list, result, now) => {
      // that there is no upstream is known where the list was judged
      if (result.kind === 'unreadable' || upstream.kind === 'unresolved') return;
      const error = complaintOf(result);
      if (error === undefined) succeed(list);
      else fail(list, error, now);
    },
    awaits: (list) => failures?.lists.add(list),
    trouble: (now) => {
      const current = troubled(now);
      if (current === undefined) return undefined;
      const { since, last, error } = current;
      return { since: formatTime(since), time: formatTime(last), error: tellable(error, upstream) };
    },
    lists: () => (failures?.isTold === true ? failures.lists : served),
    close: end,
  };
}

/**
 * Why the upstream took no mail, whichever it was; undefined where it has judged this message. A 5yz after which the message
 * is tried again is about us or its own state: "authentication required", a disk that is full (upstream-reply.ts).
 */
function complaintOf(result: Exclude<TransportResult, { kind: 'unreadable' }>): string | undefined {
  if (result.kind !== 'answered') return result.verdict.text;
  const verdicts = [...result.verdicts.values()];
  const isAboutUs = verdicts.every(({ outcome, code = 0 }) => outcome === 'deferred' && code >= 500);
  return isAboutUs ? verdicts[0]?.text : undefined;
}

function formatTime(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}
