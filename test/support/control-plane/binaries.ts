/** Finds etcd, kube-apiserver and kubectl, and builds them (see build.ts) from the versions pinned beside this file. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

export interface Binaries {
  readonly etcd: string;
  readonly apiServer: string;
  readonly kubectl: string;
}

const MODULES = ['etcd', 'kubernetes'] as const;
const PACKAGES = {
  etcd: ['go.etcd.io/etcd/server/v3'],
  kubernetes: ['k8s.io/kubernetes/cmd/kube-apiserver', 'k8s.io/kubernetes/cmd/kubectl'],
} as const;

/** Binaries from `KUBEBUILDER_ASSETS` (the name that everybody uses), else from the cache; undefined where neither has all. */
export function findBinaries(): Binaries | undefined {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  return complete(
    assets ? { etcd: assets, kubernetes: assets } : { etcd: cached('etcd'), kubernetes: cached('kubernetes') },
  );
}

/** Builds what the cache lacks. Takes about five minutes on two cores, once per pinned version. */
export async function buildBinaries(say: (line: string) => void): Promise<void> {
  for (const module of MODULES) {
    const target = cached(module);
    if (existsSync(target)) continue;
    say(`building ${module} for the tests (minutes, once) ...`);
    const began = Date.now();
    // built beside the final folder and renamed when whole: an interrupted build is never taken for a finished one
    const fresh = `${target}.${process.pid}`;
    mkdirSync(fresh, { recursive: true });
    await goBuild(module, fresh);
    if (module === 'etcd') renameSync(path.join(fresh, 'server'), path.join(fresh, 'etcd'));
    if (existsSync(target)) rmSync(fresh, { recursive: true });
    else renameSync(fresh, target);
    say(`${module} ready after ${Math.round((Date.now() - began) / 1000)} s in ${target}`);
  }
}

function complete(folder: { readonly etcd: string; readonly kubernetes: string }): Binaries | undefined {
  const found = {
    etcd: path.join(folder.etcd, 'etcd'),
    apiServer: path.join(folder.kubernetes, 'kube-apiserver'),
    kubectl: path.join(folder.kubernetes, 'kubectl'),
  };
  return Object.values(found).every((file) => existsSync(file)) ? found : undefined;
}

/** Cache folder of a module, named by the content of its pins: another version is another folder. */
function cached(module: (typeof MODULES)[number]): string {
  const source = path.join(import.meta.dirname, module);
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(path.join(source, file)));
  const cache = process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache');
  return path.join(cache, 'smtp-plus', 'control-plane', `${module}-${hash.digest('hex').slice(0, 12)}`);
}

async function goBuild(module: (typeof MODULES)[number], folder: string): Promise<void> {
  const source = path.join(import.meta.dirname, module);
  const flags = ['-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', `-s -w ${versionFlags(source)}`];
  const build = spawn('go', ['build', '-v', ...flags, '-o', `${folder}/`, ...PACKAGES[module]], {
    cwd: source,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '' },
  });
  const code = await new Promise<number | null>((resolve, reject) => build.on('error', reject).on('exit', resolve));
  if (code !== 0) throw new Error(`go build of ${module} ended with code ${code}`);
}

/** The API server derives its feature gates and its compatibility version from a version that the linker sets. */
function versionFlags(source: string): string {
  const version = /^require k8s\.io\/kubernetes (v(\d+)\.(\d+)\S*)/m.exec(
    readFileSync(path.join(source, 'go.mod'), 'utf8'),
  );
  if (version === null) return '';
  const name = 'k8s.io/component-base/version';
  return [`gitVersion=${version[1]}`, `gitMajor=${version[2]}`, `gitMinor=${version[3]}`]
    .map((setting) => `-X ${name}.${setting}`)
    .join(' ');
}
