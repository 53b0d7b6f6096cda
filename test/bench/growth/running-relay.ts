/** A relay under measurement, from its start to the moment in which it listens. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessGroup } from '../process-group.ts';
import { startRelay } from '../throughput/relay.ts';
import type { GrowthPlace } from './growth.ts';

interface RunningRelay {
  readonly group: ProcessGroup;
  readonly port: number;
  /** From the start of the process to its first open port. */
  readonly startSeconds: number;
}

const LISTENING = /^\{"event":"listening","ports":\[(\d+)/m;
/** The time that it takes is the result: only one that never ends is given up. */
const MOST_MS = 300_000;

/** With a configuration in `relay` of the folder. Port 0 takes a free one. */
export async function runRelay({ folder, flags }: GrowthPlace, ports = '0'): Promise<RunningRelay> {
  const began = performance.now();
  const group = startRelay(folder, ports, flags);
  for (;;) {
    const port = LISTENING.exec(await readFile(path.join(folder, 'log'), 'utf8'))?.[1];
    if (port !== undefined) {
      return { group, port: Number(port), startSeconds: (performance.now() - began) / 1000 };
    }
    if (performance.now() - began > MOST_MS) throw new Error(`the relay does not listen; see ${folder}/log`);
    await Promise.race([sleep(20), group.ended]);
  }
}
