/**
 * A whole relay in a process of its own, to be killed. Tells its ports when it takes mail, and the processes of its workers.
 * Its log is kept where a file is named, to the line at which it is killed.
 */
import { openSync, writeSync } from 'node:fs';
import { createLog } from '../../relay/observe/log.ts';
import { startRelayIn } from '../support/whole-relay.ts';

/** What it tells. */
export type FromRelay =
  | { readonly kind: 'ready'; readonly port: number; readonly httpPort: number; readonly ca: string }
  | { readonly kind: 'worker'; readonly worker: number; readonly pid: number }
  | { readonly kind: 'ended'; readonly worker: number };

const [, , folder = '', workers = '1', logFile] = process.argv;
const kept = logFile === undefined ? undefined : openSync(logFile, 'a');
const relay = await startRelayIn(folder, { workers: Number(workers), log: createLog({ write: take }) });
tell({ kind: 'ready', port: relay.ports[0] ?? 0, httpPort: relay.httpPort, ca: relay.ca });
// whoever kills us may be gone itself
process.on('disconnect', () => process.exit());

function tell(message: FromRelay): void {
  process.send?.(message);
}

function take(line: string): void {
  if (kept !== undefined) writeSync(kept, line);
  tellWorkers(line);
}

function tellWorkers(line: string): void {
  if (!line.includes('"event":"worker"')) return;
  const { worker, pid, why } = JSON.parse(line) as { worker: number; pid?: number; why?: string };
  if (pid !== undefined) tell({ kind: 'worker', worker, pid });
  if (why !== undefined) tell({ kind: 'ended', worker });
}
