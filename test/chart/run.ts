/**
 * `npm run test:chart`: the chart by Helm 4, its alerts and dashboards by Prometheus, and the health checks for Argo CD by its Lua. They
 * are built with `go`, once, and kept beside the API server of the other tests.
 */
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { prepareControlPlane } from '../support/control-plane/prepare.ts';
import { prepareProgram } from '../support/control-plane/programs.ts';

const TEST_MS = 900_000;
const PROGRAMS = ['HELM', 'GLUA', 'PROMTOOL', 'PROMETHEUS'] as const;
const FILES = ['render.ts', 'handover.ts', 'admission.ts', 'monitoring.ts', 'panels.ts', 'argocd.ts'].map((file) =>
  path.join(import.meta.dirname, file),
);
const say = (line: string): void => void process.stderr.write(`chart: ${line}\n`);

const missing: string[] = [];
for (const variable of PROGRAMS) {
  const program = await prepareProgram(variable, say);
  if (program === undefined) missing.push(variable);
  else process.env[variable] = program;
}
if (missing.length > 0) {
  const what = missing.join(', ');
  process.stderr.write(`\nSKIPPED: no \`go\` to build ${what} with: the tests of the chart did not run\n`);
  process.exitCode = process.env['CI'] ? 1 : 0;
} else {
  await prepareControlPlane({ say });
  run({ files: FILES, concurrency: 1, timeout: TEST_MS })
    .on('test:fail', () => {
      process.exitCode = 1;
    })
    .compose(spec)
    .pipe(process.stdout);
}
