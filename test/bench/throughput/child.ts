/** The processes around a server under test: who sends the load, and who takes what is handed on. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { LoadOrder, LoadReport } from './load.ts';

export interface Load {
  readonly run: (order: LoadOrder) => Promise<LoadReport>;
  readonly stop: () => void;
}

export interface Sink {
  readonly port: number;
  /** Messages so far, and the time of the last one as `Date.now()`. */
  readonly look: () => Promise<{ readonly messages: number; readonly lastAt: number }>;
  readonly stop: () => void;
}

export function startLoad(): Load {
  const child = start('load.ts');
  return {
    run: (order) => {
      child.send(order);
      return answerOf<LoadReport>(child);
    },
    stop: () => child.disconnect(),
  };
}

export async function startSink(): Promise<Sink> {
  const child = start('sink.ts');
  const { port } = await answerOf<{ port: number }>(child);
  return {
    port,
    look: () => {
      child.send('look');
      return answerOf(child);
    },
    stop: () => child.disconnect(),
  };
}

function start(program: string): ChildProcess {
  return fork(path.join(import.meta.dirname, program));
}

/** The child's next message; a child that ends instead ends the benchmark. */
async function answerOf<T>(child: ChildProcess): Promise<T> {
  const settled = new AbortController();
  const { signal } = settled;
  try {
    const exit = once(child, 'exit', { signal }).then(([code]: number[]) => {
      throw new Error(`${child.spawnargs.at(1)} ended with code ${code}`);
    });
    const [message] = (await Promise.race([once(child, 'message', { signal }), exit])) as [T];
    return message;
  } finally {
    settled.abort();
  }
}
