/** Helm, for the tests of the chart: built once, in the cache of the control plane. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { cacheFolder } from './binaries.ts';
import { buildBinaries, builtFolder } from './go-build.ts';

/** Path of the program: that of HELM, else the one in the cache. Undefined where it is not there and cannot be built. */
export async function prepareHelm(say: (line: string) => void): Promise<string | undefined> {
  const own = process.env['HELM'];
  if (own) return own;
  const cache = cacheFolder();
  const helm = path.join(builtFolder(cache, 'helm'), 'helm');
  if (spawnSync(helm, ['version']).status === 0) return helm;
  if (spawnSync('go', ['version']).status !== 0) return undefined;
  await buildBinaries(cache, say, ['helm']);
  return helm;
}
