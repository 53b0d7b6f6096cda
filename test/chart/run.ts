/** `npm run test:chart`: the chart, by Helm 4. It is built with `go`, once, and kept beside the API server of the other tests. */
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { prepareHelm } from '../support/control-plane/helm.ts';
import { prepareControlPlane } from '../support/control-plane/prepare.ts';

const TEST_MS = 300_000;
const FILES = ['render.ts', 'admission.ts'].map((file) => path.join(import.meta.dirname, file));
const say = (line: string): void => void process.stderr.write(`chart: ${line}\n`);

const helm = await prepareHelm(say);
if (helm === undefined) {
  process.stderr.write('\nSKIPPED: no `go` to build Helm with: the tests of the chart did not run\n');
  process.exitCode = process.env['CI'] ? 1 : 0;
} else {
  await prepareControlPlane({ say });
  process.env['HELM'] = helm;
  run({ files: FILES, concurrency: 1, timeout: TEST_MS })
    .on('test:fail', () => {
      process.exitCode = 1;
    })
    .compose(spec)
    .pipe(process.stdout);
}
