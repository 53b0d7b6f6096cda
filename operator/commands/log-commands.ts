/**
 * The commands that read logs: the files that were named, for one process, or those of all relay pods, for a cluster.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJson, textAt } from '../api/plain-data.ts';
import { duration, durationSeconds } from '../api/duration.ts';
import { RELAY_FOLDER } from '../directory/relay-folder.ts';
import { defaultConfigSecret } from '../settings/settings.ts';
import { runAudit } from './audit.ts';
import type { Cluster } from './cluster-source.ts';
import { logFiles } from './log-files.ts';
import { openSockets } from './queue-socket.ts';
import { stateFolderOf, tell, terminalWidth, type OutputFlags, type WhereFlags } from './run.ts';
import { CommandError, type ExitCode, type Result } from './source.ts';
import { runWhy } from './why.ts';

export interface LogFlags extends WhereFlags, OutputFlags {
  readonly log?: readonly string[];
  /** `24h`. */
  readonly since: string;
}

const CLASS_DOCUMENT = 'class.json';

export async function whyCommand(what: string, flags: LogFlags, isPlugin: boolean): Promise<ExitCode> {
  return tell(flags, async () => {
    const state = await stateFolderOf(flags, isPlugin);
    if (state !== undefined) return ofProcess(what, flags, state);
    const { openCluster } = await import('./cluster-source.ts');
    const cluster = await openCluster(flags);
    try {
      return await ofCluster(what, flags, cluster);
    } finally {
      cluster.close();
    }
  });
}

/** Who would have been refused. */
export async function auditCommand(flags: LogFlags, isPlugin: boolean): Promise<ExitCode> {
  return tell(flags, async () => {
    const { log = [] } = flags;
    const width = terminalWidth();
    if (log.length > 0) return runAudit(await logFiles(log), { width });
    if ((await stateFolderOf(flags, isPlugin)) !== undefined) {
      throw new CommandError(
        'one process does not keep its log: name the file with --log FILE, or - for standard input',
      );
    }
    const { openCluster } = await import('./cluster-source.ts');
    const { logPods } = await import('./log-pods.ts');
    const { podsOf } = await import('./relay-pods.ts');
    const cluster = await openCluster(flags);
    try {
      return await runAudit(logPods(cluster, await podsOf(cluster), sinceOf(flags.since)), { width });
    } finally {
      cluster.close();
    }
  });
}

async function ofProcess(what: string, { log = [] }: LogFlags, state: string): Promise<Result> {
  const document = await readFile(join(state, RELAY_FOLDER, CLASS_DOCUMENT), 'utf8').catch(() => undefined);
  return runWhy(what, { logs: await logFiles(log), door: openSockets(state), hashKeys: keysIn([document]) });
}

async function ofCluster(what: string, { log = [], since }: LogFlags, cluster: Cluster): Promise<Result> {
  const { openPods } = await import('./queue-pods.ts');
  const { logPods } = await import('./log-pods.ts');
  const { podsOf } = await import('./relay-pods.ts');
  const pods = await podsOf(cluster);
  const logs = log.length > 0 ? await logFiles(log) : logPods(cluster, pods, sinceOf(since));
  const classes = new Set(pods.map(({ className }) => className));
  const documents = [...classes].map(async (name) => {
    const secret = { namespace: cluster.installation, name: `${defaultConfigSecret(name)}-class` };
    // who may not read it searches by address only
    const values = await cluster.secret(secret).catch(() => undefined);
    return values?.[CLASS_DOCUMENT];
  });
  return runWhy(what, { logs, door: openPods(cluster), hashKeys: keysIn(await Promise.all(documents)) });
}

function keysIn(documents: readonly (string | undefined)[]): readonly string[] {
  return documents.flatMap((document) => textAt(parseJson(document), 'log', 'key') ?? []);
}

function sinceOf(text: string): number {
  if (!duration.safeParse(text).success) throw new CommandError(`--since ${text} is no duration, such as 24h or 30m`);
  return durationSeconds(text) * 1000;
}
