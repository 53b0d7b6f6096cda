import { writeFileSync } from 'node:fs';

/** Writes a kubeconfig with one bearer token; `kubectl` and every client library can use it. */
export function writeKubeconfig(file: string, cluster: { url: string; caFile: string }, token: string): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server: cluster.url, 'certificate-authority': cluster.caFile } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
