/**
 * Credentials as the client library reads them: whatever a kubeconfig may hold (client certificates, tokens, exec plugins,
 * proxies). What is wrong with a kubeconfig is an error of a single line that names it.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import type { Dispatcher } from 'undici';
import { inWords, messageOf } from '../../errors.ts';
import type { ApiCredentials, CredentialsSource, TlsOptions } from './credentials.ts';

/** Contexts that a message names. */
const CONTEXTS_NAMED = 10;

/** @param context default: the current one of the kubeconfig. */
export async function kubeconfigCredentials(file: string | undefined, context?: string): Promise<CredentialsSource> {
  const name = nameOf(file);
  return credentialsOf(() => readKubeconfig(file, { name, context }), name);
}

/** Name of the context, and the namespace that it stands for, as kubectl takes it. */
export function contextOf(
  file: string | undefined,
  context?: string,
): { readonly name: string; readonly namespace: string } {
  const config = readKubeconfig(file, { name: nameOf(file), context });
  const name = config.getCurrentContext();
  return { name, namespace: config.getContextObject(name)?.namespace ?? 'default' };
}

function nameOf(file: string | undefined): string {
  return `kubeconfig ${file ?? usualFile()}`;
}

function credentialsOf(load: () => KubeConfig, name: string): CredentialsSource {
  let config = load();
  const server = serverOf(config.getCurrentCluster()?.server, name);
  return async (isRefused) => {
    // what the library remembers of tokens and plugins is of no use any more
    if (isRefused) config = load();
    try {
      return { server, ...(await readCredentials(config)) };
    } catch (error) {
      throw new Error(`${name}: its credentials cannot be read: ${firstLine(error)}`, { cause: error });
    }
  };
}

async function readCredentials(config: KubeConfig): Promise<Omit<ApiCredentials, 'server'>> {
  const options: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = {};
  await config.applyToHTTPSOptions(options);
  // a file with a token may end in a line break, which no header can hold
  const headers = Object.entries(options.headers ?? {}).map(([name, value]) => [
    name.toLowerCase(),
    String(value).trim(),
  ]);
  if (options.auth) headers.push(['authorization', `Basic ${Buffer.from(options.auth).toString('base64')}`]);
  const url = config.getCurrentCluster()?.proxyUrl;
  const proxy = url ? { proxy: { url, dispatcher: await proxyOf(config) } } : {};
  return { headers: Object.fromEntries(headers), tls: tlsOptions(options), ...proxy };
}

/** The library's own: it knows proxies for HTTP and for SOCKS. */
async function proxyOf(config: KubeConfig): Promise<Dispatcher> {
  let found: Dispatcher | undefined;
  const context = {
    setHeaderParam: () => undefined,
    setDispatcher: (dispatcher: Dispatcher) => {
      found = dispatcher;
    },
  };
  await config.applySecurityAuthentication(
    context as unknown as Parameters<KubeConfig['applySecurityAuthentication']>[0],
  );
  if (found === undefined) throw new Error('its proxy-url cannot be used; correct it');
  return found;
}

function readKubeconfig(
  file: string | undefined,
  { name, context }: { readonly name: string; readonly context: string | undefined },
): KubeConfig {
  const config = new KubeConfig();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    throw new Error(`${name} cannot be read: ${firstLine(error)}; name another with --kubeconfig FILE`, {
      cause: error,
    });
  }
  if (context === undefined) return config;
  const known = config.getContexts().map((one) => one.name);
  if (!known.includes(context)) {
    throw new Error(`${name} has no context ${context}; it has ${known.slice(0, CONTEXTS_NAMED).join(', ') || 'none'}`);
  }
  config.setCurrentContext(context);
  return config;
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
    throw new Error(`${name}: its server ${text} is not https, so that tokens could be read on the way; use https`);
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
