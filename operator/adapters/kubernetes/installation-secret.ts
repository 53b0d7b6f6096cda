/** The installation id in the cluster: a Secret in the operator's own namespace, made once and never changed. */
import { createInstallation, INSTALLATION_ID, newInstallationId, type Installation } from '../installation.ts';
import { bodyOf } from './answers.ts';
import { FIELD_MANAGER } from './apply-secret.ts';
import type { KubeClient } from './client.ts';
import { pathOf, SECRETS } from './resources.ts';
import type { SecretObject } from './views.ts';

const INSTALLATION_SECRET = 'smtp-plus-installation';
const KEY = 'id';

/**
 * Reads the id, or makes it. A damaged one is an error and never replaced: every challenge token and every salt follows
 * from it, so that a person must decide.
 */
export async function readInstallation(client: KubeClient, namespace: string): Promise<Installation> {
  const target = { namespace, name: INSTALLATION_SECRET };
  const read = () => client.request<SecretObject>({ method: 'GET', path: pathOf(SECRETS, target) });
  const first = await read();
  if (!first.ok && first.status === 404) await create(client, namespace);
  const secret = bodyOf(first.ok ? first : await read(), `Secret ${namespace}/${INSTALLATION_SECRET}`);
  const id = Buffer.from(secret.data?.[KEY] ?? '', 'base64')
    .toString()
    .trim();
  if (!INSTALLATION_ID.test(id)) {
    throw new Error(`Secret ${namespace}/${INSTALLATION_SECRET} holds no id of 64 hexadecimal digits in key ${KEY}`);
  }
  return createInstallation(id);
}

/** Two operators that start at once both try: the first one's id stays. */
async function create(client: KubeClient, namespace: string): Promise<void> {
  const id = newInstallationId();
  const answer = await client.request({
    method: 'POST',
    path: `${pathOf(SECRETS, { namespace })}?fieldManager=${FIELD_MANAGER}`,
    body: {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace, name: INSTALLATION_SECRET },
      type: 'Opaque',
      data: { [KEY]: Buffer.from(id).toString('base64') },
    },
  });
  if (!answer.ok && answer.status !== 409) bodyOf(answer, `create Secret ${namespace}/${INSTALLATION_SECRET}`);
}
