/** `npm test` runs this first: makes the control plane's binaries available, or says why tests will be skipped. */
import { spawnSync } from 'node:child_process';
import { buildBinaries, findBinaries } from './binaries.ts';

function say(line: string): void {
  process.stderr.write(`control plane: ${line}\n`);
}

if (findBinaries() === undefined) {
  if (spawnSync('go', ['version']).status === 0) await buildBinaries(say);
  else
    say(
      'no KUBEBUILDER_ASSETS and no `go` to build etcd and kube-apiserver: tests against a real API server are SKIPPED',
    );
}
