/** Keeps the log and the metrics in step with the configuration in force, and tells what a change of it has ended. */
import { createHash } from 'node:crypto';
import type { RelayConfig } from '../config/config.ts';
import type { ConfigFolder } from '../config/folder.ts';
import { tellDeadCredentials } from './dead-credentials.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { shownValues } from './tenant-labels.ts';

interface Observers {
  readonly metrics: Metrics;
  readonly log: Log;
  /** For lines about the configuration, of which one worker's are enough. */
  readonly configLog: Pick<Log, 'info' | 'warn'>;
}

export function observeConfig(config: ConfigFolder, { metrics, log, configLog }: Observers): void {
  let before: RelayConfig | undefined;

  function observe(): void {
    const current = config.current();
    if (current !== undefined) {
      log.addresses.use(current.class.log);
      void metrics.show(shownValues(current));
      if (before !== undefined) tellDeadCredentials(before, current, configLog);
      before = current;
    }
    metrics.configInfo.reset();
    metrics.configInfo.set({ hash: hashOf(config) }, 1);
    metrics.configTimestamp.set((config.readTime()?.getTime() ?? 0) / 1000);
  }

  config.onChange(observe);
  observe();
}

/** One short hash of all documents in force. */
function hashOf(config: ConfigFolder): string {
  const hashes = Object.entries(config.hashes()).toSorted(([a], [b]) => a.localeCompare(b));
  return createHash('sha256').update(JSON.stringify(hashes)).digest('hex').slice(0, 16);
}
