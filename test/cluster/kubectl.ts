/** kubectl on the cluster of KUBECONFIG. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

export interface Running {
  /** Ends its standard input. */
  readonly end: () => void;
  /** Its standard output, once it has ended well. */
  readonly output: Promise<string>;
}

export interface Forwarded {
  readonly port: number;
  readonly close: () => void;
}

interface Start {
  /** Written at once; standard input is left open. */
  readonly stdin?: string;
  readonly onLine?: (line: string) => void;
}

export function startKubectl(args: readonly string[], { stdin = '', onLine }: Start = {}): Running {
  const child = spawn('kubectl', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined).write(stdin);
  if (onLine !== undefined) createInterface(child.stdout).on('line', onLine);
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  const output = Promise.all([text(child.stdout), text(child.stderr), ended]).then(([stdout, stderr, code]) => {
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  });
  return { end: () => child.stdin.end(), output };
}

/** Tells each line of a kubectl that goes on until it is stopped; `stop` throws where it has ended before. */
export function follow(args: readonly string[], onLine: (line: string) => void): { readonly stop: () => void } {
  const child = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface(child.stdout).on('line', onLine);
  return {
    stop: () => {
      if (!child.kill()) throw new Error(`kubectl ${args.join(' ')} has ended too early, with ${child.exitCode}`);
    },
  };
}

export function kubectl(args: readonly string[], stdin = ''): Promise<string> {
  const { end, output } = startKubectl(args, { stdin });
  end();
  return output;
}

export async function apply(...objects: readonly object[]): Promise<void> {
  await kubectl(
    ['apply', '--server-side', '--force-conflicts', '-f', '-'],
    objects.map((one) => JSON.stringify(one)).join('\n'),
  );
}

export async function exists(...args: readonly string[]): Promise<boolean> {
  return (await kubectl(['get', ...args, '--ignore-not-found', '--output=name'])) !== '';
}

/** A port of this machine that leads to one in the cluster, until it is closed. */
export function forward(namespace: string, target: string, port: number): Promise<Forwarded> {
  return listening(['port-forward', '-n', namespace, target, `:${port}`], 'Forwarding from');
}

/** A port of this machine that leads to the API server: a request is there without the time that a kubectl takes to start. */
export function forwardApi(): Promise<Forwarded> {
  return listening(['proxy', '--port=0'], 'Starting to serve on');
}

async function listening(args: readonly string[], words: string): Promise<Forwarded> {
  const child = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const close = (): void => void child.kill();
  for await (const line of createInterface(child.stdout)) {
    const own = new RegExp(`^${words} 127\\.0\\.0\\.1:(\\d+)`).exec(line)?.[1];
    if (own !== undefined) return { port: Number(own), close };
  }
  throw new Error(`kubectl ${args.join(' ')} ended`);
}

/** A kubeconfig of a ServiceAccount with this Role or ClusterRole in its namespace. */
export async function accountWith(role: string, { namespace, name }: Record<'namespace' | 'name', string>) {
  await apply(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name, namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: role.split('/')[0], name: role.split('/')[1] },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  );
  const token = (await kubectl(['create', 'token', name, '-n', namespace])).trim();
  const config = JSON.parse(await kubectl(['config', 'view', '--minify', '--raw', '--flatten', '-o', 'json'])) as {
    users: object[];
  };
  const users = config.users.map((user) => Object.assign(user, { user: { token } }));
  return { token, kubeconfig: JSON.stringify({ ...config, users }) };
}
