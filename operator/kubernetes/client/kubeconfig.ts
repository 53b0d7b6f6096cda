/** A kubeconfig as credentials. What is wrong with one is an error of a single line that names the file. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { inWords } from '../../manifests/walk.ts';
import { messageOf } from './answers.ts';
import type { Credentials, CredentialsSource, TlsOptions } from './credentials.ts';

/** Whatever it may hold (client certificates, tokens, exec plugins): the client library reads it. */
export async function kubeconfigCredentials(file: string | undefined): Promise<CredentialsSource> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  const name = `kubeconfig ${file ?? usualFile()}`;
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    throw new Error(`${name} cannot be read: ${firstLine(error)}; name another with --kubeconfig FILE`, {
      cause: error,
    });
  }
  const server = serverOf(config.getCurrentCluster()?.server, name);
  return async (): Promise<Credentials> => {
    const options: Parameters<typeof config.applyToHTTPSOptions>[0] = {};
    try {
      await config.applyToHTTPSOptions(options);
    } catch (error) {
      throw new Error(`${name}: its credentials cannot be had: ${firstLine(error)}`, { cause: error });
    }
    const headers = Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
    if (options.auth) headers.push(['authorization', `Basic ${Buffer.from(options.auth).toString('base64')}`]);
    return { server, headers: Object.fromEntries(headers), tls: tlsOptions(options) };
  };
}

/** What kubectl would read. Without one the library takes a server at localhost:8080, where no cluster has been for years. */
function usualFile(): string {
  const files = (process.env['KUBECONFIG'] || path.join(homedir(), '.kube/config')).split(path.delimiter);
  if (files.some((file) => existsSync(file))) return files.join(path.delimiter);
  throw new Error(
    `no cluster to work on: this is no pod, and there is no kubeconfig at ${files.join(' or ')}; name one with --kubeconfig FILE`,
  );
}

function serverOf(text: string | undefined, name: string): URL {
  if (text === undefined) {
    throw new Error(`${name} has no current context with a cluster: kubectl config use-context NAME chooses one`);
  }
  if (!URL.canParse(text))
    throw new Error(`${name}: its server \`${text}\` is no URL, such as https://api.example:6443`);
  const url = new URL(text);
  if (url.protocol !== 'https:')
    throw new Error(`${name}: its server ${text} is not https, so that tokens could be read`);
  return url;
}

/** Parsers show the place over several lines, and the system names the call rather than the trouble. */
function firstLine(error: unknown): string {
  if (!(error instanceof Error && 'syscall' in error)) return messageOf(error).split('\n')[0] ?? '';
  const path = 'path' in error ? String(error.path) : '';
  if (String(error.syscall).startsWith('spawn')) return `its plugin ${path} cannot be run: ${inWords(error)}`;
  return path === '' ? inWords(error) : `${inWords(error)}, at ${path}`;
}

function tlsOptions(options: object): TlsOptions {
  const entries = Object.entries(options).filter(
    ([name, value]) => ['ca', 'cert', 'key', 'servername', 'rejectUnauthorized'].includes(name) && value !== undefined,
  );
  return Object.fromEntries(entries.map(([name, value]) => [name, Buffer.isBuffer(value) ? value.toString() : value]));
}
