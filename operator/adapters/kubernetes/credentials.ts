/** Who we are towards the API server: in a pod its ServiceAccount, elsewhere a kubeconfig. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';

export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export interface Credentials {
  readonly server: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsOptions;
}

/** Reads the credentials as they are now. */
export type CredentialsSource = () => Promise<Credentials>;

export const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
/** A bound token lives for an hour and is replaced on disk at 80 % of that; client-go re-reads as often. */
const REREAD_MS = 60_000;

/** The ServiceAccount of our pod. Needs no client library, which would cost 60 MB of memory in each operator. */
export function inClusterCredentials(server: URL, folder: string): CredentialsSource {
  return async () => {
    const [token, ca] = await Promise.all(['token', 'ca.crt'].map((name) => readFile(path.join(folder, name), 'utf8')));
    return { server, headers: { authorization: `Bearer ${token?.trim()}` }, tls: ca === undefined ? {} : { ca } };
  };
}

/** Server address that Kubernetes gives to each pod, or undefined outside a pod. */
export function inClusterServer(env: NodeJS.ProcessEnv): URL | undefined {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  if (!host || !port) return undefined;
  return new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`);
}

/** A kubeconfig with whatever it may hold (client certificates, tokens, exec plugins): the client library reads it. */
export async function kubeconfigCredentials(file: string | undefined): Promise<CredentialsSource> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (file === undefined) config.loadFromDefault();
  else config.loadFromFile(file);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('the kubeconfig has no current context');
  return async () => {
    const options: Parameters<typeof config.applyToHTTPSOptions>[0] = {};
    await config.applyToHTTPSOptions(options);
    const headers = Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
    if (options.auth) headers.push(['authorization', `Basic ${Buffer.from(options.auth).toString('base64')}`]);
    return { server: new URL(cluster.server), headers: Object.fromEntries(headers), tls: tlsOptions(options) };
  };
}

/** Keeps what a source gave for a minute; `fresh` asks it again at once (after 401). */
export function cachedCredentials(source: CredentialsSource): (fresh: boolean) => Promise<Credentials> {
  let last: { readonly at: number; readonly credentials: Promise<Credentials> } | undefined;
  return (fresh) => {
    if (last === undefined || fresh || performance.now() - last.at > REREAD_MS) {
      const credentials = source();
      last = { at: performance.now(), credentials };
      credentials.catch(() => {
        last = undefined;
      });
    }
    return last.credentials;
  };
}

function tlsOptions(options: object): TlsOptions {
  const entries = Object.entries(options).filter(
    ([name, value]) => ['ca', 'cert', 'key', 'servername', 'rejectUnauthorized'].includes(name) && value !== undefined,
  );
  return Object.fromEntries(entries.map(([name, value]) => [name, Buffer.isBuffer(value) ? value.toString() : value]));
}
