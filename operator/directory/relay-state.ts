import type { ProgrammedFact } from '../core/model.ts';
import type { RelayHashes } from './apply.ts';

/** What the adapter needs of the relay in the same process. */
export interface RelayInProcess {
  /** SHA-256 of each document in force, by file name. */
  readonly configHashes: () => RelayHashes;
  /** Reads its folder now; it would see the change by itself, a little later. */
  readonly reload: () => Promise<void>;
}

/** Whether the relay runs what was written last. */
export function programmedFact(relay: RelayInProcess, written: RelayHashes | undefined): ProgrammedFact {
  if (written === undefined) return { state: 'Unknown', message: 'The configuration has not been written yet.' };
  const running = relay.configHashes();
  const late = Object.entries(written).filter(([name, hash]) => running[name] !== hash);
  if (late.length === 0) return { state: 'Programmed', message: 'The relay runs it.' };
  return { state: 'Lagging', message: `The relay has not loaded ${late.map(([name]) => name).join(', ')} yet.` };
}
