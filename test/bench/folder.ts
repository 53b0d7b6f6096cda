/**
 * One process on a folder of manifests, one user a file: how long it takes to be ready at first and once more, how long
 * until an edit is in force, and how much memory it holds.
 *
 *     npm run bench:folder [USERS]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import packageJson from '../../package.json' with { type: 'json' };

const USERS = Number(process.argv[2] ?? 1000);
const NAMESPACES = 20;
const EDITS = Math.min(5, USERS);

const sender = (namespace: string): string => `apiVersion: smtpplus.io/v1alpha1
kind: VerifiedSender
metadata: {name: sender, namespace: ${namespace}}
spec: {domain: ${namespace}.example}
---
apiVersion: smtpplus.io/v1alpha1
kind: SmtpPlusList
metadata:
  name: all
  namespace: ${namespace}
  annotations: {smtpplus.io/default-list: "true"}
spec: {}
`;

const user = (number: number, active: boolean): string => `apiVersion: smtpplus.io/v1alpha1
kind: SmtpPlusUser
metadata:
  name: user-${number}
  namespace: ${namespaceOf(number)}
spec:
  active: ${active}
`;

function namespaceOf(number: number): string {
  return `ns-${number % NAMESPACES}`;
}

async function makeFolders(): Promise<{ folder: string; state: string; settings: string; root: string }> {
  const root = await mkdtemp(join(tmpdir(), 'smtp-plus-bench-'));
  const folder = join(root, 'manifests');
  const namespaces = Array.from({ length: NAMESPACES }, (_, i) => namespaceOf(i));
  for (const namespace of namespaces) {
    await mkdir(join(folder, namespace), { recursive: true });
    await writeFile(join(folder, namespace, 'namespace.yaml'), sender(namespace));
  }
  for (let number = 0; number < USERS; number++) await writeFile(fileOf(folder, number), user(number, true));
  const settings = join(root, 'settings.yaml');
  const existingSenders = namespaces.map((namespace) => ({ [namespace]: `${namespace}.example` }));
  await writeFile(settings, JSON.stringify({ classes: { default: { existingSenders } } }));
  return { folder, state: join(root, 'state'), settings, root };
}

function fileOf(folder: string, number: number): string {
  return join(folder, namespaceOf(number), `user-${number}.yaml`);
}

type Folders = Awaited<ReturnType<typeof makeFolders>>;

/** What `npm start` runs, with the same flags for Node. The port stays the same: it is written into each Secret. */
async function start({ folder, state, settings }: Folders) {
  const begin = performance.now();
  const flags = `--state ${state} --settings ${settings} --json --ports ${port} --http 0`;
  const child = spawn('sh', ['-c', `${packageJson.scripts.start} ${folder} ${flags}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ready = Promise.withResolvers<number>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.includes('"event":"ready"')) ready.resolve(performance.now() - begin);
  });
  const exited = once(child, 'exit').then(([code]) =>
    ready.reject(new Error(`ended with ${code} before it was ready`)),
  );
  const readyMs = await ready.promise;
  const cpuMs = await cpuTime(child.pid ?? 0);
  return {
    pid: child.pid ?? 0,
    readyMs,
    cpuMs,
    stop: async (): Promise<void> => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Milliseconds until the relay's configuration and the object's status both say what was written. */
async function edit({ folder, state }: Folders, number: number, active: boolean): Promise<number> {
  const status = join(state, 'status', 'SmtpPlusUser', namespaceOf(number), `user-${number}.yaml`);
  const generation = generationIn(await readFile(status, 'utf8'));
  const begin = performance.now();
  await writeFile(fileOf(folder, number), user(number, active));
  for (;;) {
    if (generationIn(await readFile(status, 'utf8')) > generation) return performance.now() - begin;
    await sleep(10);
  }
}

function generationIn(status: string): number {
  return Number(/^ {2}generation: (\d+)$/m.exec(status)?.[1] ?? NaN);
}

/** Of all its threads; clock ticks are 10 ms on every Linux that Node runs on. */
async function cpuTime(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return ((user ?? 0) + (system ?? 0)) * 10;
}

async function memory(pid: number): Promise<string> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const [now, most] = ['VmRSS', 'VmHWM'].map((name) => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1];
    return Math.round(Number(kilobytes) / 1024);
  });
  return `${now} MB (at most ${most} MB)`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

const port = await freePort();
const folders = await makeFolders();
try {
  console.log(`${USERS} users, a file each, in ${NAMESPACES} namespaces`);
  const first = await start(folders);
  console.log(
    `ready, from nothing   ${seconds(first.readyMs)}   ${seconds(first.cpuMs)} of CPU   ${await memory(first.pid)}`,
  );
  const edits: number[] = [];
  const before = await cpuTime(first.pid);
  for (let i = 0; i < EDITS; i++) edits.push(await edit(folders, i, false));
  const each = ((await cpuTime(first.pid)) - before) / EDITS;
  const sorted = edits.toSorted((a, b) => a - b);
  const [median, most] = [sorted[EDITS >> 1] ?? 0, sorted.at(-1) ?? 0];
  console.log(`an edit in force      ${seconds(median)}   ${seconds(each)} of CPU   at most ${seconds(most)}`);
  console.log(`memory after edits    ${await memory(first.pid)}`);
  await first.stop();
  const second = await start(folders);
  console.log(
    `ready, started again  ${seconds(second.readyMs)}   ${seconds(second.cpuMs)} of CPU   ${await memory(second.pid)}`,
  );
  await second.stop();
} finally {
  await rm(folders.root, { recursive: true, force: true });
}
