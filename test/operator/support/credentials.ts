import { readFileSync } from 'node:fs';
import type { CredentialsSource } from '../../../operator/kubernetes/client/credentials.ts';
import type { ControlPlane } from '../../support/control-plane.ts';

/** The administrator's token; towards another address where a proxy is in between. */
export function adminCredentials(cluster: ControlPlane, url: string = cluster.url): CredentialsSource {
  return tokenCredentials(cluster, cluster.kubeconfig, url);
}

/** The token of a kubeconfig that the control plane made. */
export function tokenCredentials(
  cluster: ControlPlane,
  kubeconfig: string,
  url: string = cluster.url,
): CredentialsSource {
  const config = JSON.parse(readFileSync(kubeconfig, 'utf8')) as { users: { user: { token: string } }[] };
  const headers = { authorization: `Bearer ${config.users[0]?.user.token}` };
  const ca = readFileSync(cluster.caFile, 'utf8');
  return async () => ({ server: new URL(url), headers, tls: { ca } });
}
