/** Relays in processes of their own that are killed again and again, each with a pod of a cluster that stands for it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createHourFiles } from '../../relay/usage/hour-files.ts';
import type { Admin } from '../operator/support/admin.ts';
import { OPERATOR_NAMESPACE } from '../operator/support/operator.ts';
import { makeReadyPod } from '../operator/support/relay-pod.ts';
import { captureLog } from '../support/queued.ts';
import type { Door } from '../torture/clients.ts';
import type { FromRelay } from '../torture/relay-process.ts';
import { type Counts, countsOfLog, countsOfTallies, type LogLine, minus, sum } from './counts.ts';

const START = path.join(import.meta.dirname, '../torture/relay-process.ts');
/** Of the event loop: more than it takes to read what has come. */
const TURNS = 100;

interface Running extends Door {
  readonly child: ChildProcess;
  readonly httpPort: number;
}

export interface MortalRelay {
  readonly door: () => Promise<Door>;
  readonly httpPort: () => Promise<number>;
  /** Writes its configuration, which it takes up by itself. */
  readonly configure: (documents: readonly (readonly [string, string])[]) => Promise<void>;
  /** Kills it, reads what it had written down, and starts it anew. */
  readonly kill: () => Promise<Loss>;
  /** All that it has written into its log. */
  readonly lines: () => Promise<readonly LogLine[]>;
  readonly close: () => void;
}

/** What one kill has cost. */
export interface Loss {
  /** What the log tells, and what is not on disk. Less than nothing: something was counted twice. */
  readonly counts: Counts;
  /** From the first message that was forgotten to the kill. */
  readonly ms: number;
}

export async function startMortalRelay(
  folder: string,
  { admin, pod, objectOf }: { admin: Admin; pod: string; objectOf: (login: string) => string },
): Promise<MortalRelay> {
  const [logFile, configFolder] = [path.join(folder, 'log'), path.join(folder, 'relay')];
  await mkdir(configFolder, { recursive: true });
  /** What was on disk at the last kill, and how much of the log was before it. */
  let before: Counts = new Map();
  let read = 0;
  let running = start();

  async function start(): Promise<Running> {
    const child = fork(START, [folder, '1', logFile], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const ready = await new Promise<Running>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the relay ended before it took mail: ${code}`)));
      child.on('message', (message: FromRelay) => message.kind === 'ready' && resolve({ ...message, child }));
    });
    await makeReadyPod(admin, { name: pod, port: ready.httpPort });
    return ready;
  }

  async function lines(): Promise<readonly LogLine[]> {
    const text = await readFile(logFile, 'utf8');
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as LogLine]));
  }

  async function onDisk(): Promise<Counts> {
    const hours = await createHourFiles(path.join(folder, 'spool', 'usage'), captureLog().log).read();
    return countsOfTallies(hours.values());
  }

  async function lossAt(time: number): Promise<Loss> {
    const all = await lines();
    const since = all.slice(read);
    read = all.length;
    const kept = await onDisk();
    const counts = minus(sum(before, countsOfLog(since, objectOf)), kept);
    before = kept;
    const accepted = since.filter(({ msg, result }) => msg === 'message' && result === 'accepted');
    const lost = [...counts].filter(([key]) => key.startsWith('user ') && key.endsWith(' accepted'));
    const first = accepted.at(-lost.reduce((count, [, one]) => count + one, 0) || accepted.length);
    return { counts, ms: first === undefined ? 0 : time - Date.parse(first.time) };
  }

  return {
    door: () => running,
    httpPort: async () => (await running).httpPort,
    configure: async (documents) => {
      for (const [name, text] of documents) {
        const file = path.join(configFolder, name);
        await writeFile(`${file}.tmp`, Buffer.from(text, 'base64'));
        await rename(`${file}.tmp`, file);
      }
    },
    kill: async () => {
      const { child } = await running;
      const time = Date.now();
      child.kill('SIGKILL');
      await once(child, 'exit');
      // what it had sent by then has come
      for (let i = 0; i < TURNS; i++) await setImmediate();
      const loss = await lossAt(time);
      await admin.remove('Pod', `${OPERATOR_NAMESPACE}/${pod}`);
      running = start();
      await running;
      return loss;
    },
    lines,
    close: () => void running.then(({ child }) => child.kill('SIGKILL')),
  };
}
