/** What a worker says of its queue, and of the configuration that it runs. */
import type { ConfigFolder } from './config/folder.ts';
import { mergedQueues, type QueueReport } from './observe/queue-report.ts';
import type { Spool } from './spool/spool.ts';
import { wallOf } from './steady-time.ts';
import { settingsOf } from './worker-parts.ts';

export function queueOf(spool: Pick<Spool, 'oldest' | 'queued'>): QueueReport {
  const lists = [...spool.queued()];
  const oldest = spool.oldest();
  const messages = lists.reduce((sum, [, count]) => sum + count, 0);
  const oldestTime = oldest === undefined ? undefined : new Date(wallOf(oldest.received)).toISOString();
  return mergedQueues([
    { messages, ...(oldestTime !== undefined && { oldestTime }), lists: Object.fromEntries(lists) },
  ]);
}

export function configStateOf(config: ConfigFolder) {
  return {
    className: config.current()?.class.name,
    tokenHash: config.current()?.class.pages.tokenHash,
    readTime: config.readTime()?.toISOString(),
    documents: config.hashes(),
    shutdownSeconds: settingsOf(config).shutdownSeconds,
    usageMetrics: config.current()?.class.metrics.usage ?? 0,
  };
}
