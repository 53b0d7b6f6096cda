import { createLog } from '../../relay/log.ts';
import type { Log } from '../../relay/log.ts';
import type { SkippedPort } from '../../relay/session/listen.ts';
import { formatLogLine } from '../../relay/log-lines.ts';
import type { Plan } from '../core/model.ts';
import type { Settings } from '../settings.ts';
import { formatPorts, formatSkipped } from './port-spans.ts';
import { formatTable } from './table.ts';

/** A step of the start that is quicker than this is not named. */
const PATIENCE_MS = 1000;

interface Listening {
  readonly ports: readonly number[];
  readonly skippedPorts: readonly SkippedPort[];
  readonly implicitTlsPorts: readonly number[];
  readonly httpPort: number;
}

/** What the process says: readable lines on a terminal, JSON lines elsewhere. */
export interface Console {
  readonly log: Log;
  /** Carries out a step of the start, and names it while it lasts, if it lasts. */
  readonly during: <T>(step: string, work: () => Promise<T>) => Promise<T>;
  readonly ready: (state: { plan: Plan; relay: Listening; settings: Settings }) => void;
  /** Tells which ports are open, as one JSON line. */
  readonly listening: (relay: Listening) => void;
  /** Prints what is wrong, a line each. Returns the exit code. */
  readonly fail: (problems: readonly string[], exitCode: number) => number;
}

export function createConsole({ json }: { readonly json: boolean }): Console {
  const isTerminal = process.stdout.isTTY && !json;
  // who reads the output may go away; the mail must not
  process.stdout.on('error', () => undefined);
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const log = isTerminal ? createLog({ write: (line) => print(formatLogLine(line)) }) : createLog();
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
    ready: ({ plan, relay, settings }) => {
      if (json) print(JSON.stringify(portsEvent('ready', relay)));
      else print(readyText(plan, relay, settings));
    },
    listening: (relay) => print(JSON.stringify(portsEvent('listening', relay))),
    fail: (problems, exitCode) => {
      for (const problem of problems) process.stderr.write(`error: ${problem}\n`);
      return exitCode;
    },
  };
}

function portsEvent(event: 'ready' | 'listening', relay: Listening): object {
  const { ports, skippedPorts, implicitTlsPorts, httpPort } = relay;
  return {
    event,
    ports,
    implicitTlsPorts,
    http: httpPort,
    skippedPorts: skippedPorts.length,
    skipped: formatSkipped(skippedPorts),
  };
}

function readyText(plan: Plan, relay: Listening, settings: Settings): string {
  const { skippedPorts } = relay;
  return [
    formatTable(plan, settings),
    `SMTP:      ${settings.host} ${formatPorts(relay.ports)}`,
    ...(relay.implicitTlsPorts.length === 0
      ? []
      : [`with TLS:  ${settings.host} ${formatPorts(relay.implicitTlsPorts)}`]),
    ...(skippedPorts.length === 0 ? [] : [`skipped:   ${formatSkipped(skippedPorts)}`]),
    `metrics:   http://${settings.host}:${relay.httpPort}/metrics`,
    'ready',
  ].join('\n');
}
