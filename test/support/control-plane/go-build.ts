/** Builds etcd, kube-apiserver, kubectl and what the tests of the chart run with `go`, from the versions pinned beside this file. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { setPriority } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const PACKAGES = {
  etcd: ['go.etcd.io/etcd/server/v3'],
  kubernetes: ['k8s.io/kubernetes/cmd/kube-apiserver', 'k8s.io/kubernetes/cmd/kubectl'],
  helm: ['helm.sh/helm/v4/cmd/helm'],
  prometheus: ['github.com/prometheus/prometheus/cmd/prometheus', 'github.com/prometheus/prometheus/cmd/promtool'],
  lua: ['github.com/yuin/gopher-lua/cmd/glua'],
  'metrics-server': ['sigs.k8s.io/metrics-server/cmd/metrics-server'],
} as const;
export type Module = keyof typeof PACKAGES;
/** Without the clients of twenty clouds, by which Prometheus finds what to scrape: half of what there is to build. */
const TAGS: Partial<Record<Module, string>> = { prometheus: 'remove_all_sd' };
const CONTROL_PLANE: readonly Module[] = ['etcd', 'kubernetes'];

/** How often it says how far it is. */
const REPORT_MS = 30_000;
/** Tests that run meanwhile go first. */
const NICE = 10;
const MINUTE_MS = 60_000;

/** Folder of a module, named by the content of its pins: another version is another folder. */
export function builtFolder(cache: string, module: Module): string {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(path.join(sourceOf(module), file)));
  return path.join(cache, `${module}-${hash.digest('hex').slice(0, 12)}`);
}

/** Builds what the cache lacks: five minutes on two cores, ten where tests run beside it, once for each pinned version. */
export async function buildBinaries(
  cache: string,
  say: (line: string) => void,
  modules: readonly Module[] = CONTROL_PLANE,
): Promise<void> {
  for (const module of modules) {
    const target = builtFolder(cache, module);
    if (existsSync(target)) continue;
    say(`fetching the sources of ${module} ...`);
    const total = await countPackages(module);
    const began = Date.now();
    // built beside the final folder and renamed when whole: an interrupted build is never taken for a finished one
    const fresh = `${target}.${process.pid}`;
    mkdirSync(fresh, { recursive: true });
    await build(module, fresh, progressOf(module, total, say));
    if (module === 'etcd') renameSync(path.join(fresh, 'server'), path.join(fresh, 'etcd'));
    if (existsSync(target)) rmSync(fresh, { recursive: true });
    else renameSync(fresh, target);
    say(`${module} is built, after ${Math.round((Date.now() - began) / 1000)} s`);
  }
}

/** Called with each package that is done; says now and then how many are left, and for how long. */
export function progressOf(
  module: string,
  total: number,
  say: (line: string) => void,
  now: () => number = Date.now,
): () => void {
  const began = now();
  let [done, told] = [0, began];
  say(`building ${module}: ${total} packages ...`);
  return () => {
    done += 1;
    if (now() - told < REPORT_MS) return;
    told = now();
    const left = Math.ceil(((told - began) * Math.max(total - done, 0)) / done / MINUTE_MS);
    say(`building ${module}: ${done} of ${total} packages, about ${left} min left`);
  };
}

/** What is up to date is not built again, nor counted. */
async function countPackages(module: Module): Promise<number> {
  let count = 0;
  await go(module, ['list', '-deps', '-f', '{{if .Stale}}{{.ImportPath}}{{end}}'], 'stdout', () => (count += 1));
  return count;
}

function build(module: Module, folder: string, onPackage: () => void): Promise<void> {
  return go(module, ['build', '-v', '-o', `${folder}/`], 'stderr', onPackage);
}

/** Runs go on a module, and tells of each package that it names. Its last words are the error. */
async function go(
  module: Module,
  [command = '', ...options]: readonly string[],
  output: 'stdout' | 'stderr',
  onPackage: () => void,
): Promise<void> {
  const cwd = sourceOf(module);
  const link = ['-ldflags', `-s -w ${versionFlags(cwd)}`];
  const flags = ['-mod=readonly', '-trimpath', '-buildvcs=false', `-tags=${TAGS[module] ?? ''}`, ...link];
  const child = spawn('go', [command, ...flags, ...options, ...PACKAGES[module]], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '' },
  });
  if (child.pid !== undefined) setPriority(child.pid, NICE);
  let last = '';
  const listen = (name: 'stdout' | 'stderr') =>
    createInterface({ input: child[name] }).on('line', (line) => {
      // `go: downloading` is no package
      if (name === output && /^[\w.][^ ]*$/.test(line)) onPackage();
      else if (line !== '') last = line;
    });
  listen('stdout');
  listen('stderr');
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`go ${command} of ${module} ended with code ${code}: ${last}`);
}

function sourceOf(module: Module): string {
  return path.join(import.meta.dirname, module);
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
