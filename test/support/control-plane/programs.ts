/** What the tests of the chart and those on a real cluster run, each built once, in the cache of the control plane. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder } from './binaries.ts';
import { buildBinaries, builtFolder, type Module } from './go-build.ts';

const MODULES = {
  HELM: 'helm',
  PROMETHEUS: 'prometheus',
  PROMTOOL: 'prometheus',
  GLUA: 'lua',
  METRICS_SERVER: 'metrics-server',
} as const;
type Program = keyof typeof MODULES;

/** Path of the program: that of the variable, else the one in the cache. Undefined where it is not there and cannot be built. */
export async function prepareProgram(variable: Program, say: (line: string) => void): Promise<string | undefined> {
  const own = process.env[variable];
  if (own) return own;
  const cache = cacheFolder();
  const module: Module = MODULES[variable];
  const program = path.join(builtFolder(cache, module), variable.toLowerCase().replace('_', '-'));
  if (existsSync(program)) return program;
  if (spawnSync('go', ['version']).status !== 0) return undefined;
  await buildBinaries(cache, say, [module]);
  return program;
}
