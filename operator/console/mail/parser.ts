/**
 * Takes mails apart in a process of its own, which runs while somebody looks at them: over hostile mail, parsers of mail and HTML
 * take minutes or all memory there is, and this process has mail to relay. A thread would not do. Where one asks for a large piece
 * of memory that is not there, V8 ends the whole process; and a thread that is busy inside of a function of V8 cannot be ended.
 */
import { fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { CapturedFile } from '../../captured-content.ts';
import { createTurns, NoTurnError } from '../turns.ts';
import type { ParserAnswer, ParserAnswers, ParserQuestion } from './questions.ts';

type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  /** `TooMuch`: it took more time or memory than a mail may take. `Busy`: too many others wait. */
  | { readonly ok: false; readonly why: 'TooMuch' | 'Busy' };

export interface MailParser {
  /** @param index of an attachment. */
  readonly ask: <K extends keyof ParserAnswers>(
    about: K,
    mail: CapturedFile,
    index?: number,
  ) => Promise<Outcome<ParserAnswers[K]>>;
  /** For good: what is being asked, and whatever else is, takes too much. */
  readonly close: () => void;
}

/** Mails that are meant well take milliseconds, and the largest of them one second. */
const TIME_MS = 10_000;
const START_MS = 60_000;
const IDLE_MS = 30_000;
/** Of what V8 counts, and of all: buffers are not on its heap. Real mails of the largest size take a third of it. */
const HEAP_MIB = 192;
const RESIDENT_MAX = 384 * 1024 * 1024;
const RESIDENT_LOOK_MS = 100;
/** The HTTP port has no more connections than that. */
const ASKED_MAX = 64;
/** Beside the source, or, in the bundle, above the chunk that holds this. */
const PROGRAM = new URL(
  import.meta.filename.endsWith('.ts') ? './parser-process.ts' : '../mail-parser.js',
  import.meta.url,
);

interface Bounds {
  readonly timeMs: number;
  readonly residentOctets: number;
}

export function createMailParser({
  timeMs = TIME_MS,
  residentOctets = RESIDENT_MAX,
}: Partial<Bounds> = {}): MailParser {
  let running: ParserProcess | undefined;
  let idle: NodeJS.Timeout | undefined;
  const turns = createTurns({ atOnce: 1, waitingMax: ASKED_MAX - 1 });
  let isClosed = false;
  const kill = (): void => running?.kill();

  async function start(): Promise<void> {
    process.once('exit', kill);
    running = startProcess(() => {
      process.off('exit', kill);
      running = undefined;
    });
    // it says that it is ready
    await running.hear({ timeMs: START_MS, residentOctets });
  }

  async function askNow(question: ParserQuestion): Promise<Outcome<ParserAnswer>> {
    clearTimeout(idle);
    if (isClosed) return { ok: false, why: 'TooMuch' };
    if (running === undefined) await start();
    const heard = await running?.ask(question, { timeMs, residentOctets });
    idle = setTimeout(kill, IDLE_MS).unref();
    return heard === undefined ? { ok: false, why: 'TooMuch' } : { ok: true, value: heard.answer };
  }

  async function ask(about: keyof ParserAnswers, mail: CapturedFile, index = 0): Promise<Outcome<ParserAnswer>> {
    try {
      return await turns.take(() => askNow({ about, mail, index }));
    } catch (error) {
      if (error instanceof NoTurnError) return { ok: false, why: 'Busy' };
      throw error;
    }
  }

  return {
    // an answer is of the kind that was asked for
    ask: ask as MailParser['ask'],
    close: () => {
      isClosed = true;
      kill();
    },
  };
}

interface ParserProcess {
  /** What it says next; undefined: it has not said it within the bounds, and is ended. */
  readonly hear: (bounds: Bounds) => Promise<unknown>;
  readonly ask: (question: ParserQuestion, bounds: Bounds) => Promise<{ readonly answer: ParserAnswer } | undefined>;
  readonly kill: () => void;
}

/** It keeps nothing alive. */
function startProcess(onEnd: () => void): ParserProcess {
  const child = fork(PROGRAM, {
    execArgv: [`--max-old-space-size=${HEAP_MIB}`],
    env: {},
    serialization: 'advanced',
    // V8 writes a page about its end to stderr; to ignore that would need a /dev/null
    stdio: ['inherit', 'pipe', 'pipe', 'ipc'],
  });
  child.unref();
  child.channel?.unref();
  for (const stream of [child.stdout, child.stderr]) (stream?.resume() as Socket | undefined)?.unref();
  let told: (heard: unknown) => void = () => undefined;
  const end = (): void => {
    onEnd();
    told(undefined);
  };
  const kill = (): void => void child.kill('SIGKILL');

  async function hear({ timeMs, residentOctets }: Bounds): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    told = resolve;
    const timer = setTimeout(kill, timeMs);
    const look = setInterval(() => {
      void residentOf(child.pid).then((octets) => octets > residentOctets && kill());
    }, RESIDENT_LOOK_MS);
    return promise.finally(() => {
      clearTimeout(timer);
      clearInterval(look);
    });
  }

  child.on('message', (heard) => told(heard));
  child.once('exit', end);
  // it could not even be made
  child.on('error', () => child.pid === undefined && end());
  return {
    hear,
    ask: (question, bounds) => {
      child.send(question, () => undefined);
      return hear(bounds) as ReturnType<ParserProcess['ask']>;
    },
    kill,
  };
}

/** 0 where nothing tells it, as on other systems than Linux. */
async function residentOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
