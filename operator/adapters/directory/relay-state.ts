import { setTimeout as sleep } from 'node:timers/promises';
import type { ProgrammedFact } from '../../core/model.ts';
import type { RelayHashes } from './apply.ts';

/** Asks the relay which documents it runs; undefined where it doesn't answer. */
export type AskRelay = () => Promise<RelayHashes | undefined>;

/** A relay that watches its folder takes milliseconds; one that takes longer is said to lag, and asked again later. */
const PATIENCE_MS = 3000;
const ASK_MS = 20;

/** Whether the relay runs what was written last. */
export async function programmedFact(ask: AskRelay, written: RelayHashes | undefined): Promise<ProgrammedFact> {
  if (written === undefined) return { state: 'Unknown', message: 'No configuration has been written yet.' };
  const running = await ask();
  if (running === undefined) return { state: 'Unknown', message: 'The relay does not answer.' };
  const late = Object.entries(written).filter(([name, hash]) => running[name] !== hash);
  if (late.length === 0) return { state: 'Programmed', message: 'The relay runs it.' };
  return { state: 'Lagging', message: `The relay has not loaded ${late.map(([name]) => name).join(', ')} yet.` };
}

/** Waits until the relay runs what was written, or for as long as that should take. */
export async function untilProgrammed(ask: AskRelay, written: RelayHashes): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    if ((await programmedFact(ask, written)).state === 'Programmed') return;
    await sleep(ASK_MS);
  }
}
