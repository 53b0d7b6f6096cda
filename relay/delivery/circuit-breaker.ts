/**
 * Keeps a dead upstream from costing one attempt per message: after a few failures in a row nothing is tried for a
 * while, then a single probe. Its success lets everything through again, its failure doubles the wait.
 */
import type { TransportResult } from './transport.ts';
import { retryDelaySeconds, type RetrySettings } from './retry.ts';

export interface CircuitBreaker {
  /** Whether an attempt may begin now. When it does, say so with `begin`. */
  allows(now: number): boolean;
  begin(): void;
  /** What an attempt told about the upstream: an answer counts as life, whatever it said about the message. */
  heard(result: Pick<TransportResult, 'kind'>, now: number): void;
  /** An attempt ended without telling anything about the upstream. */
  abandoned(): void;
  /** When the next probe may begin; undefined while nothing is withheld. */
  retryAt(): number | undefined;
}

/** Connections break one by one for many harmless reasons. */
const FAILURES_TO_OPEN = 3;

export function createCircuitBreaker({
  settings,
  random,
}: {
  settings: () => RetrySettings;
  random: () => number;
}): CircuitBreaker {
  let failures = 0;
  let openUntil: number | undefined;
  let probing = false;

  function succeed(): void {
    failures = 0;
    openUntil = undefined;
    probing = false;
  }

  function fail(now: number): void {
    failures++;
    probing = false;
    if (failures < FAILURES_TO_OPEN) return;
    const delay = retryDelaySeconds(failures - FAILURES_TO_OPEN + 1, settings(), random);
    openUntil = Math.max(openUntil ?? 0, now + delay * 1000);
  }

  function abandoned(): void {
    probing = false;
  }

  return {
    allows: (now) => openUntil === undefined || (!probing && now >= openUntil),
    begin: () => {
      probing = openUntil !== undefined;
    },
    heard: ({ kind }, now) => {
      switch (kind) {
        case 'answered':
          return succeed();
        case 'broken':
        case 'unreachable':
          return fail(now);
        case 'unreadable':
          return abandoned();
      }
    },
    abandoned,
    retryAt: () => (probing ? undefined : openUntil),
  };
}
