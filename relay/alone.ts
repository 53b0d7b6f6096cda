/** A relay of one worker, in this process. */
import { sharedCountersIn } from './counters/settings.ts';
import { createSharedCounters } from './counters/shared-counters.ts';
import { startHttp } from './observe/http.ts';
import type { Relay, RelayOptions } from './main.ts';
import { pagesOf, queueReportOf, stateReportOf } from './observe/pages.ts';
import { createSharedLimits } from './submission/limits.ts';
import { openUsage } from './usage/usage.ts';
import { startWorker } from './worker.ts';

export async function startAlone(options: RelayOptions): Promise<Relay> {
  await using started = new AsyncDisposableStack();
  const usage = await openUsage(options);
  const counters = createSharedCounters({ settings: sharedCountersIn(options.configFolder), log: options.log });
  const limits = createSharedLimits({ months: usage.months, counters });
  const onFatal = (error: unknown): void => options.onFatal?.(error);
  const worker = await startWorker({ ...options, workers: 1, usage: usage.counter, limits, onFatal });
  // after the worker, which counts to its end
  started.defer(usage.close);
  started.defer(counters.close);
  started.defer(() => worker.close());
  usage.keep();
  await counters.start();
  const listening = await worker.listen(options);
  let isClosing = false;
  const { registry } = worker.metrics;
  const pages = pagesOf({
    states: () => [worker.state()],
    metrics: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
    furtherMetrics: options.furtherMetrics,
    usage: usage.report,
    counters,
    isClosing: () => isClosing,
  });
  const http = await startHttp(pages, options.http);
  started.defer(() => http.close());
  const running = started.move();
  return {
    ...listening,
    httpPort: http.port,
    handoverPort: worker.state().handoverPort,
    configHashes: () => worker.state().documents,
    upstreams: () => worker.state().upstreams,
    usage: usage.report,
    queue: () => queueReportOf([worker.state()]),
    state: () => stateReportOf([worker.state()]),
    fullSince: () => {
      const { spoolFullSince } = worker.state();
      return spoolFullSince === undefined ? undefined : new Date(spoolFullSince);
    },
    reload: worker.reload,
    updateCertificates: worker.updateCertificates,
    close: async () => {
      isClosing = true;
      const left = await worker.drain();
      await running.disposeAsync();
      return left;
    },
  };
}
