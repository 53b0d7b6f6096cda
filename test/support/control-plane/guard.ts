/**
 * Runs one program for a test and ends it by its id when our standard input closes: that happens when the test says so,
 * and when the test process dies in whatever way, so that nothing is left running.
 */
import { spawn } from 'node:child_process';

// first of all: ^C, and `timeout`, reach the whole group; the test decides when we end, and its own end reaches us by standard input
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);

const [program = '', ...args] = process.argv.slice(2);
const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true });
child.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
child.on('exit', (code) => process.exit(code ?? 0));
process.stdin.on('end', () => child.kill('SIGKILL')).resume();
