/**
 * `npm run test:cluster`: end to end on a real cluster, with real pods. It needs KUBECONFIG, and in IMAGE_LOAD_COMMAND what
 * brings an image archive to the nodes: `kind load image-archive`, `k3d image import`. Takes a cluster that has no SMTP+ yet,
 * and leaves it as it was.
 */
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import path from 'node:path';
import { prepareProgram } from '../support/control-plane/programs.ts';

const PROGRAMS = ['HELM', 'METRICS_SERVER'] as const;
const SCENARIO_MS = 600_000;
const pathOf = (file: string): string => path.join(import.meta.dirname, file);
// the types do not know it yet
const AROUND = { globalSetupPath: pathOf('installed.ts') };
const FILES = ['mail.ts', 'commands.ts', 'in-force.ts', 'drain.ts', 'trouble.ts', 'counting.ts', 'autoscaling.ts'].map(
  pathOf,
);

const missing = ['KUBECONFIG', 'IMAGE_LOAD_COMMAND'].filter((name) => !process.env[name]);
if (missing.length > 0) skip(`${missing.join(' and ')} not set`);
else {
  const absent: string[] = [];
  for (const variable of PROGRAMS) {
    const program = await prepareProgram(variable, (line) => void process.stderr.write(`cluster: ${line}\n`));
    if (program === undefined) absent.push(variable);
    else process.env[variable] = program;
  }
  if (absent.length > 0) skip(`no \`go\` to build ${absent.join(' and ')} with, and no variable of that name`);
  else start();
}

function skip(why: string): void {
  process.stderr.write(`\nSKIPPED: ${why}: the tests on a real cluster did not run\n`);
  process.exitCode = process.env['CI'] ? 1 : 0;
}

function start(): void {
  run({ files: FILES, concurrency: 1, timeout: SCENARIO_MS, ...AROUND })
    .on('test:fail', () => {
      process.exitCode = 1;
    })
    .compose(spec)
    .pipe(process.stdout);
}
