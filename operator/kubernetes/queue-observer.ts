import { messageOf } from '../errors.ts';
import type { WorkQueueOptions } from './client/queue.ts';
import type { OperatorMetrics } from './metrics.ts';

/** Counts what a queue has done. A key is a kind and a name, or (of documents and pods) a class and perhaps a file. */
export function queueObserver(
  metrics: OperatorMetrics,
  onTrouble: (message: string) => void,
): NonNullable<WorkQueueOptions['onDone']> {
  return ({ key, waitedMs, tookMs, error }) => {
    const kind = kindOf(key);
    metrics.reconciles.inc({ kind, result: error === undefined ? 'done' : 'failed' });
    metrics.reconcileSeconds.observe({ kind }, tookMs / 1000);
    metrics.queueSeconds.observe(waitedMs / 1000);
    if (error === undefined) return;
    metrics.retries.inc();
    onTrouble(`${key}: ${messageOf(error)}`);
  };
}

function kindOf(key: string): string {
  if (!key.includes('/')) return 'relays';
  return key.endsWith('.json') && key.split('/').length === 2 ? CONFIGURATION : (key.split('/')[0] ?? '');
}

const CONFIGURATION = 'configuration';
