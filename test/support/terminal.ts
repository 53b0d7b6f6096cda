/** A program on a real terminal: `script` of util-linux gives it a pty, as a shell would. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe } from 'node:test';
import type { TestContext } from 'node:test';
import { until } from './eventually.ts';

export interface TerminalProcess {
  /** What it has shown so far, colours included. */
  readonly shown: () => string;
  /** Resolves once it has shown the text. */
  readonly shows: (text: string) => Promise<void>;
  /** Types a key: `\x03` is Ctrl-C. */
  readonly type: (key: string) => void;
  /** The exit code. */
  readonly exited: Promise<number | null>;
}

const MISSING = 'no `script` of util-linux here';

/** Skipped, loudly, where there is no `script`; with `CI` set it fails instead. */
export function describeOnTerminal(name: string, suite: () => void): void {
  if (hasScript() || process.env['CI']) return void describe(name, suite);
  process.stderr.write(`\nSKIPPED ${name}: ${MISSING}\n`);
  describe(name, { skip: MISSING });
}

function hasScript(): boolean {
  // that of the BSDs has other options
  return /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '');
}

/** As on a terminal with colours, whatever the tests themselves run in. */
function terminalEnv(): NodeJS.ProcessEnv {
  const { CI: _ci, NO_COLOR: _no, FORCE_COLOR: _force, NODE_DISABLE_COLORS: _disable, ...env } = process.env;
  return { ...env, TERM: 'xterm', SHELL: '/bin/sh' };
}

export interface TerminalOptions {
  /** Default: wide enough for anything. */
  readonly columns?: number;
  /** Where the program's stdout goes instead; its stderr stays the terminal. */
  readonly stdoutFile?: string;
}

/** Runs a program on a terminal; ends it after the test if it has not ended by then. */
export function runOnTerminal(
  t: TestContext,
  command: readonly string[],
  { columns = 250, stdoutFile }: TerminalOptions = {},
): TerminalProcess {
  if (!hasScript()) throw new Error(MISSING);
  const redirection = stdoutFile === undefined ? '' : ` > ${quote(stdoutFile)}`;
  const line = command.map(quote).join(' ') + redirection;
  // exec: what `script` is told to end must be the program, not a shell around it
  const child = spawn(
    'script',
    ['--quiet', '--return', '--command', `stty cols ${columns}; exec ${line}`, '/dev/null'],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: terminalEnv(),
    },
  );
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await exited;
  });
  return {
    shown: () => shown,
    shows: async (text) => {
      await until(() => shown.includes(text));
    },
    type: (key) => void child.stdin.write(key),
    exited,
  };
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
