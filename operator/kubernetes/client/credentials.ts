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
