/** What the HTTP port says about a relay: about its one worker, or about all of them. */
import type { KeptCounters } from '../counters/shared-counters.ts';
import type { HttpPages } from './http.ts';
import { createReaders } from './page-readers.ts';
import { isNearlyFull } from './spool-warning.ts';
import { mergedQueues, type QueueReport } from './queue-report.ts';
import type { StateReport } from './state-report.ts';
import type { UpstreamReport } from './upstream-report.ts';
import type { UsageReport } from './usage-report.ts';
import { usageMetrics } from '../usage/metrics.ts';
import { VERSION } from '../version.ts';
import {
  commonCertificate,
  commonDocuments,
  fullestFill,
  fullSince,
  mergedUpstreams,
  type WorkerState,
} from '../workers/worker-state.ts';

export interface Told {
  /** The states of those workers that take mail now, or may at any moment. */
  readonly states: () => readonly WorkerState[];
  readonly metrics: HttpPages['metrics'];
  /** What else there is to tell, of whoever runs the relay. */
  readonly furtherMetrics: (() => Promise<string>) | undefined;
  readonly usage: () => UsageReport;
  readonly counters: Pick<KeptCounters, 'metrics' | 'concern'>;
  readonly isClosing: () => boolean;
}

export function pagesOf({ states, metrics, furtherMetrics, usage, counters, isClosing }: Told): HttpPages {
  return {
    readers: createReaders(states),
    metrics: async () => {
      const { contentType, body } = await metrics();
      const ofUse = await usageMetrics(usage(), states()[0]?.usageMetrics ?? 0);
      const ofOthers = (await counters.metrics()) + ((await furtherMetrics?.()) ?? '');
      return { contentType, body: body + ofUse + ofOthers };
    },
    unhealthy: () => faultOf(states()),
    // not where its disk is full: it cannot know whether another relay has room, and without any of them in the Service
    // clients would hear nothing in place of a reply that says why
    unready: () => faultOf(states()) ?? (isClosing() ? 'shutting down' : whyUnready(states())),
    concern: () => [concernOf(states()), counters.concern()].filter((one) => one !== undefined).join('; ') || undefined,
    configz: () => stateReportOf(states()),
    queue: () => queueReportOf(states()),
    usage,
    upstreamz: (): UpstreamReport => {
      const all = states();
      // one that was started anew has forgotten what it knew
      const startTime = lastOf(all.map((state) => state.startTime)) ?? new Date().toISOString();
      return { startTime, upstreams: mergedUpstreams(all) };
    },
  };
}

export function stateReportOf(all: readonly WorkerState[]): StateReport {
  return {
    version: VERSION,
    class: all[0]?.className,
    readTime: lastOf(all.map(({ readTime }) => readTime)),
    documents: commonDocuments(all),
    ...commonCertificate(all),
    spoolFullSince: fullSince(all),
    spoolFill: fullestFill(all),
  };
}

export function queueReportOf(all: readonly WorkerState[]): QueueReport {
  return mergedQueues(all.map(({ queue }) => queue));
}

/** Where one of several is broken, the others go on. */
function faultOf(states: readonly WorkerState[]): string | undefined {
  return states.every(({ fault }) => fault !== undefined) ? states[0]?.fault : undefined;
}

function whyUnready(states: readonly WorkerState[]): string | undefined {
  if (states.length === 0) return 'no worker is running';
  return states.some(({ className }) => className === undefined) ? 'no complete configuration yet' : undefined;
}

function concernOf(states: readonly WorkerState[]): string | undefined {
  if (fullSince(states) !== undefined) return 'the spool is full: mail is refused with 452';
  const { percent } = fullestFill(states);
  return isNearlyFull(percent) ? `the spool is ${percent} % full: soon mail is refused with 452` : undefined;
}

function lastOf(times: readonly (string | undefined)[]): string | undefined {
  return times.reduce((last, time) => (last === undefined || (time ?? '') > last ? time : last), undefined);
}
