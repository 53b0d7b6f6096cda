/** Runs a command: each is a function from where it looks to a result, which is printed here, as text or as JSON. */
import { stat } from 'node:fs/promises';
import { messageOf } from '../errors.ts';
import { printable, printableJson } from '../printable.ts';
import type { CapturedPlace } from '../captured-mail.ts';
import { capturePlaces } from '../standalone/capture-folder.ts';
import type { QueueDoor } from './queue-door.ts';
import { CommandError, type ExitCode, type Result, type Source } from './source.ts';

export const FORMATS = ['text', 'json'] as const;
/** `env`: variables of a shell. */
export const PASSWORD_FORMATS = [...FORMATS, 'env'] as const;

export interface WhereFlags {
  /** State folder of one process. */
  readonly state?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly installation: string;
  readonly namespace?: string;
}

export interface OutputFlags {
  readonly output: string;
}

const STATE_DEFAULT = '.smtp-plus';

/** Whether a command means one process: it was told so, or was told of no cluster, and there is a state folder here. */
export async function stateFolderOf(flags: WhereFlags, isPlugin: boolean): Promise<string | undefined> {
  const { state, kubeconfig, context } = flags;
  const isCluster = kubeconfig !== undefined || context !== undefined;
  if (state !== undefined && isCluster) {
    throw new CommandError('--state is for one process, --kubeconfig and --context are for a cluster; choose one');
  }
  if (state !== undefined || isCluster || isPlugin) return state;
  return (await stat(STATE_DEFAULT).catch(() => undefined))?.isDirectory() === true ? STATE_DEFAULT : undefined;
}

async function openSource(flags: WhereFlags, isPlugin: boolean): Promise<Source> {
  const state = await stateFolderOf(flags, isPlugin);
  // each of the two loads what it needs
  if (state !== undefined) return (await import('./folder-source.ts')).openFolder(state);
  return (await import('./cluster-source.ts')).openCluster(flags);
}

/** Resolves to the exit code. */
export async function runOnSource(
  flags: WhereFlags & OutputFlags & { readonly isPlugin: boolean },
  command: (source: Source) => Promise<Result>,
): Promise<ExitCode> {
  return tell(flags, async () => {
    const source = await openSource(flags, flags.isPlugin);
    try {
      return await command(source);
    } finally {
      source.close();
    }
  });
}

/** The same for the queues of relays. */
export async function runOnQueue(
  flags: WhereFlags & OutputFlags & { readonly isPlugin: boolean },
  command: (door: QueueDoor) => Promise<Result>,
): Promise<ExitCode> {
  return tell(flags, async () => {
    const door = await openDoor(flags, flags.isPlugin);
    try {
      return await command(door);
    } finally {
      door.close();
    }
  });
}

async function openDoor(flags: WhereFlags, isPlugin: boolean): Promise<QueueDoor> {
  const state = await stateFolderOf(flags, isPlugin);
  if (state !== undefined) return (await import('./queue-socket.ts')).openSockets(state);
  const cluster = await (await import('./cluster-source.ts')).openCluster(flags);
  return (await import('./queue-pods.ts')).openPods(cluster);
}

/** For captured mail, which there is in one process only. */
export async function runMail(
  flags: WhereFlags & OutputFlags & { readonly capture?: string },
  command: (places: readonly CapturedPlace[]) => Promise<Result>,
): Promise<ExitCode> {
  return tell(flags, async () => {
    const { state = STATE_DEFAULT, kubeconfig, context, capture } = flags;
    if (kubeconfig !== undefined || context !== undefined) {
      throw new CommandError('mail is captured by one process only; name its state folder with --state');
    }
    return command(capturePlaces({ capture, state }));
  });
}

/** Does the work, and says what came of it. */
export async function tell({ output }: OutputFlags, work: () => Promise<Result>): Promise<ExitCode> {
  try {
    const { code, text, json, problems = [] } = await work();
    for (const problem of problems) process.stderr.write(`${safe(problem)}\n`);
    const shown = output === 'json' ? printableJson(json) : text;
    if (shown !== undefined && shown !== '') process.stdout.write(`${shown}\n`);
    return code;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    process.stderr.write(`error: ${safe(messageOf(error))}\n`);
    return error.code;
  }
}

/** Servers and files have a say in it. */
function safe(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** Width of the terminal; unlimited for a pipe, which takes lines of any length. */
export function terminalWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns : Infinity;
}
