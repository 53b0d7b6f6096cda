import { createLog } from '../../relay/observe/log.ts';
import type { Log } from '../../relay/observe/log.ts';
import { formatLogLine } from './log-lines.ts';
import type { SkippedPort } from '../../relay/submission/listen.ts';
import { urlHost } from '../api/names.ts';
import type { Plan } from '../core/model.ts';
import { formatPorts, formatSkipped } from './port-spans.ts';
import { invocation } from './invocation.ts';
import { formatHints, formatTable, shellQuote } from './table.ts';

/** A step of the start that is quicker than this is not named. */
const PATIENCE_MS = 1000;
/** For a terminal that does not say. */
const WIDTH_DEFAULT = 80;

interface Listening {
  readonly ports: readonly number[];
  readonly skippedPorts: readonly SkippedPort[];
  readonly implicitTlsPorts: readonly number[];
  readonly httpPort: number;
}

interface Ready {
  readonly plan: Plan;
  readonly relay: Listening;
  readonly state: string;
  readonly host: string;
  readonly settingsFile: string | undefined;
  /** Undefined: it is not served. */
  readonly consoleUrl: string | undefined;
}

/** What the process says: readable lines on a terminal; elsewhere JSON lines on stdout, and nothing else there. */
export interface Console {
  readonly log: Log;
  /** Carries out a step of the start, and names it while it lasts, if it lasts. */
  readonly during: <T>(step: string, work: () => Promise<T>) => Promise<T>;
  readonly ready: (state: Ready) => void;
  /** Tells which ports are open, as one JSON line. */
  readonly listening: (relay: Listening) => void;
  /** Prints what is wrong, a line each. Returns the exit code. */
  readonly fail: (problems: readonly string[], exitCode: number) => number;
}

export function createConsole({ json }: { readonly json: boolean }): Console {
  const isTerminal = process.stdout.isTTY && !json;
  // a reader of the output that goes away must not end the process
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const objects = afterTable((line) => print(formatLogLine(line)));
  const log = isTerminal ? createLog({ write: objects.write }) : createLog();
  return {
    log,
    during: async (step, work) => {
      const timer = setTimeout(() => log.info({ event: 'starting' }, `${step} ...`), PATIENCE_MS);
      try {
        return await work();
      } finally {
        clearTimeout(timer);
      }
    },
    ready: (state) => {
      if (isTerminal) {
        print(`${formatTable(state.plan, { ...state, width: process.stdout.columns || WIDTH_DEFAULT })}\n`);
        objects.release();
        print(summary(state));
        return;
      }
      const { settingsFile = null, consoleUrl = null } = state;
      print(JSON.stringify({ ...portsEvent('ready', state.relay), settings: settingsFile, console: consoleUrl }));
      // a program reads stdout, and a person watches stderr
      if (process.stderr.isTTY && !json) {
        const table = formatTable(state.plan, { ...state, width: process.stderr.columns || WIDTH_DEFAULT });
        process.stderr.write(`${table}\n\n${summary(state)}\n`);
      }
    },
    listening: (relay) => print(JSON.stringify(portsEvent('listening', relay))),
    fail: (problems, exitCode) => {
      objects.release();
      for (const problem of problems) process.stderr.write(`error: ${problem}\n`);
      return exitCode;
    },
  };
}

/**
 * Holds lines about objects back until the table has shown all of them at once; good news need not be repeated after it.
 * Faults of the start are printed at once.
 */
function afterTable(write: (line: string) => void) {
  let held: string[] | undefined = [];
  return {
    write: (line: string): void => {
      // quotes in values are escaped: none of them reads like this
      if (held === undefined || !line.includes('"event":"object"')) write(line);
      else if (!line.includes('"level":"info"')) held.push(line);
    },
    release: (): void => {
      for (const line of held ?? []) write(line);
      held = undefined;
    },
  };
}

function portsEvent(event: 'ready' | 'listening', relay: Listening): object {
  const { ports, skippedPorts, implicitTlsPorts, httpPort } = relay;
  const skipped = formatSkipped(skippedPorts);
  return { event, ports, implicitTlsPorts, http: httpPort, skippedPorts: skippedPorts.length, skipped };
}

/** What is below the table. */
function summary({ plan, relay, state, host, settingsFile, consoleUrl }: Ready): string {
  const { ports, implicitTlsPorts, skippedPorts, httpPort } = relay;
  const line = (name: string, text: string): string => `${`${name}:`.padEnd(11)}${text}`;
  return [
    ...formatHints(plan, { state, program: invocation({ env: process.env, argv: process.argv, cwd: process.cwd() }) }),
    ...(ports.length === 0 ? [] : [line('SMTP', `${host}, port ${formatPorts(ports)}`)]),
    ...(implicitTlsPorts.length === 0 ? [] : [line('with TLS', `${host}, port ${formatPorts(implicitTlsPorts)}`)]),
    ...(skippedPorts.length === 0 ? [] : [line('skipped', formatSkipped(skippedPorts))]),
    line('metrics', `http://${urlHost(host)}:${httpPort}/metrics`),
    ...(consoleUrl === undefined ? [] : [line('console', consoleUrl)]),
    ...(settingsFile === undefined ? [] : [line('settings', shellQuote(settingsFile))]),
    'ready',
  ].join('\n');
}
