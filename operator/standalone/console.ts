import { createLog } from '../../relay/log.ts';
import type { Log } from '../../relay/log.ts';
import { formatLogLine } from '../../relay/log-lines.ts';
import type { Plan } from '../core/model.ts';
import type { Settings } from '../settings.ts';
import { formatTable } from './table.ts';

/** A step of the start that is quicker than this is not named. */
const PATIENCE_MS = 1000;
/** As many skipped ports as fit a line. */
const MAX_SKIPPED_SHOWN = 10;

interface Listening {
  readonly ports: readonly number[];
  readonly skippedPorts: readonly number[];
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
  return { event, ports, implicitTlsPorts, http: httpPort, skippedPorts: skippedPorts.length };
}

function readyText(plan: Plan, relay: Listening, settings: Settings): string {
  const { skippedPorts } = relay;
  const shown = skippedPorts.slice(0, MAX_SKIPPED_SHOWN).join(', ');
  const more = skippedPorts.length > MAX_SKIPPED_SHOWN ? `, and ${skippedPorts.length - MAX_SKIPPED_SHOWN} more` : '';
  return [
    formatTable(plan, settings),
    `SMTP:      ${settings.host} ${ranges(relay.ports)}`,
    ...(relay.implicitTlsPorts.length === 0 ? [] : [`with TLS:  ${settings.host} ${ranges(relay.implicitTlsPorts)}`]),
    ...(skippedPorts.length === 0 ? [] : [`skipped:   ${shown}${more} (in use)`]),
    `metrics:   http://${settings.host}:${relay.httpPort}/metrics`,
    'ready',
  ].join('\n');
}

/** `1025-5000` for thousands of numbers. */
function ranges(ports: readonly number[]): string {
  const spans: [number, number][] = [];
  for (const port of ports.toSorted((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last !== undefined && last[1] === port - 1) last[1] = port;
    else spans.push([port, port]);
  }
  return spans.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(', ');
}
