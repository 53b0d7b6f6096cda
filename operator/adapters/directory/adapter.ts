/**
 * The directory adapter: a folder of manifests in, a state folder out, and the core between them. The same as an API
 * server and the operator, for one process without a cluster.
 */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../../relay/log.ts';
import type { Plan, Snapshot } from '../../core/model.ts';
import { startLoop } from '../../loop.ts';
import { createApplier } from './apply.ts';
import { createGatherer, ownSecrets } from './gather.ts';
import type { GatherOptions } from './gather.ts';
import { openMemory } from './memory.ts';
import type { Reading } from './read.ts';
import { createReader } from './read.ts';
import { createReporter } from './report.ts';
import { watchFolder } from './watch.ts';

export interface DirectoryOptions extends Omit<GatherOptions, 'memory'> {
  readonly folder: string;
  readonly state: string;
  /** Files in the folder that are no manifests. */
  readonly ignore: readonly string[];
  readonly decide: (snapshot: Snapshot, now: Date) => Plan;
  /** Called after each round that was carried out. */
  readonly onApplied: (round: Round) => Promise<void>;
  readonly log: Log;
}

export interface Round {
  readonly snapshot: Snapshot;
  readonly plan: Plan;
}

export interface Directory {
  /** Look again soon. */
  readonly trigger: () => void;
  readonly close: () => Promise<void>;
}

interface Gathered {
  readonly snapshot: Snapshot;
  readonly incomplete: boolean;
}

/** Starts to carry out what the folder says, now and after each change. */
export async function startDirectory(options: DirectoryOptions): Promise<Directory> {
  const { folder, state, log } = options;
  const { memory, problems } = await openMemory(join(state, 'status'));
  for (const problem of problems) log.warn({ event: 'state' }, problem);
  const secretsFolder = join(state, 'secrets');
  const read = createReader(folder, { ignore: [...options.ignore, state] });
  const readOwn = createReader(secretsFolder);
  await setDamagedAside(await readOwn(), secretsFolder, log);

  const gather = createGatherer({ ...options, memory });
  const apply = createApplier({ state, relayClass: options.settings.relayClass, memory });
  const report = createReporter(log);
  let graceEnds: Date | undefined;

  const loop = startLoop<Gathered, Round & { readonly incomplete: boolean; readonly now: Date }>({
    gather: async () => {
      const manifests = await read();
      report(manifests);
      const own = ownSecrets(await readOwn(), secretsFolder);
      return { snapshot: await gather(manifests, own), incomplete: manifests.incomplete };
    },
    decide: ({ snapshot, incomplete }, now) => ({ snapshot, incomplete, now, plan: options.decide(snapshot, now) }),
    act: async ({ snapshot, plan, incomplete, now }) => {
      const applied = await apply(plan, { objects: snapshot.objects, incomplete, now });
      graceEnds = applied.nextLook;
      await options.onApplied({ snapshot, plan });
    },
    nextLook: ({ plan }) => earliest(graceEnds, plan.nextLook === undefined ? undefined : new Date(plan.nextLook)),
    onError: (error, retryMs) => log.error({ event: 'reconcile', err: error, retryMs }, 'could not carry out the plan'),
  });
  const ends = [
    watchFolder(folder, { ignore: [...options.ignore, state], onChange: loop.trigger }),
    watchFolder(secretsFolder, { onChange: loop.trigger }),
  ];
  return {
    trigger: loop.trigger,
    close: async () => {
      for (const end of ends) end();
      await loop.close();
    },
  };
}

/** A damaged Secret may still hold a password that somebody can recover: it is kept, out of the way of the new one. */
async function setDamagedAside(reading: Reading, folder: string, log: Log): Promise<void> {
  const damaged = new Set([
    ...reading.problems.filter(({ reason }) => reason !== 'unreadable').map(({ source }) => source.file),
    ...ownSecrets(reading, folder).strangers,
  ]);
  for (const file of damaged) {
    await rename(file, `${file}.damaged`);
    log.error({ event: 'state', file }, `damaged; kept as ${file}.damaged, and the Secret is made anew`);
  }
}

function earliest(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}
