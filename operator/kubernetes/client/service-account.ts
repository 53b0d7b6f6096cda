/** The ServiceAccount of our pod: a folder with a token, which is replaced while we run, and the CA of the API server. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { urlHost } from '../../api/names.ts';
import { inWords } from '../../errors.ts';
import type { CredentialsSource } from './credentials.ts';

export const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

export function inClusterCredentials(server: URL, folder: string): CredentialsSource {
  return async () => {
    const [token, ca] = [await read(folder, 'token'), await read(folder, 'ca.crt')];
    // a token may end in a line break, which no header can hold
    return { server, headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } };
  };
}

async function read(folder: string, name: string): Promise<string> {
  const file = path.join(folder, name);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(`the ServiceAccount of this pod cannot be read: ${inWords(error)}, at ${file}`, { cause: error });
  }
}

/** Server address that Kubernetes gives to each pod, or undefined outside a pod. */
export function inClusterServer(env: NodeJS.ProcessEnv): URL | undefined {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  if (!host || !port) return undefined;
  return new URL(`https://${urlHost(host)}:${port}`);
}
