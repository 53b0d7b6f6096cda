/** The installation id on the cluster: a Secret in the operator's own namespace, made once and never changed. */
import { createInstallation, INSTALLATION_ID, newInstallationId, type Installation } from '../installation.ts';
import { MANAGED_BY, MANAGED_BY_LABEL, SECRET_TYPE } from '../core/names.ts';
import { decodeValues, encodeValues, secretOwner } from '../manifests/secrets.ts';
import { bodyOf } from './client/answers.ts';
import { FIELD_MANAGER } from './write/secret.ts';
import type { KubeClient } from './client/client.ts';
import { keyOfObject } from './client/list-watch.ts';
import { findOne } from './client/find-one.ts';
import { listPagesOf } from './client/pages.ts';
import { pathOf, SECRETS, USERS } from './client/resources.ts';
import type { SecretObject } from './cache/views.ts';

const INSTALLATION_SECRET = 'smtp-plus-installation';
const KEY = 'id';

/**
 * Reads the id, or makes it. Every challenge token and every salt follows from it: one that is damaged, or gone while
 * there are credentials that were made with it, is an error and never replaced, so that a person must decide.
 *
 * @param watchNamespaces where the credentials are; empty: anywhere.
 */
export async function readInstallation(
  client: KubeClient,
  namespace: string,
  watchNamespaces: readonly string[],
): Promise<Installation> {
  const target = { namespace, name: INSTALLATION_SECRET };
  const read = () => client.request<SecretObject>({ method: 'GET', path: pathOf(SECRETS, target) });
  const first = await read();
  if (!first.ok && first.status === 404) {
    await insistOnNoCredentials(client, namespace, watchNamespaces);
    await create(client, namespace);
  }
  const secret = bodyOf(first.ok ? first : await read(), `Secret ${namespace}/${INSTALLATION_SECRET} cannot be read`);
  const id = decodeValues(secret.data ?? {})[KEY]?.trim() ?? '';
  if (!INSTALLATION_ID.test(id)) {
    throw new Error(
      `Secret ${namespace}/${INSTALLATION_SECRET} holds no id of 64 hexadecimal digits in key ${KEY}; restore it from a backup: with another id all users get new passwords`,
    );
  }
  return createInstallation(id);
}

async function insistOnNoCredentials(
  client: KubeClient,
  namespace: string,
  watchNamespaces: readonly string[],
): Promise<void> {
  for (const where of watchNamespaces.length === 0 ? [undefined] : watchNamespaces) {
    const key = await findCredentials(client, where);
    if (key === undefined) continue;
    throw new Error(
      `Secret ${namespace}/${INSTALLATION_SECRET} is gone, but there are credentials that were made with it (Secret ${key}). ` +
        'Restore it from a backup. Where there is none, all users get new passwords: ' +
        `kubectl create secret generic -n ${namespace} ${INSTALLATION_SECRET} --from-literal=${KEY}=$(openssl rand -hex 32)`,
    );
  }
}

const PAGE = 100;

interface Page {
  readonly items: readonly SecretObject[];
  readonly metadata: { readonly continue?: string };
}

/**
 * A credentials Secret that belongs to a user who is here. Those that nobody here owns were brought from elsewhere: users who
 * come after them get new passwords, and are told so.
 */
async function findCredentials(client: KubeClient, namespace: string | undefined): Promise<string | undefined> {
  const readPage = async (next = ''): Promise<Page> => {
    const query = new URLSearchParams({
      labelSelector: `${MANAGED_BY_LABEL}=${MANAGED_BY}`,
      fieldSelector: `type=${SECRET_TYPE}`,
      limit: String(PAGE),
      continue: next,
    });
    const path = `${pathOf(SECRETS, { namespace })}?${query.toString()}`;
    return bodyOf(await client.request<Page>({ method: 'GET', path }), 'list of credentials');
  };
  for await (const { items } of listPagesOf(readPage)) {
    for (const secret of items) if (await isOwned(client, secret)) return keyOfObject(secret);
  }
  return undefined;
}

async function isOwned(client: KubeClient, { type = '', metadata }: SecretObject): Promise<boolean> {
  const { namespace = '', annotations = {}, ownerReferences } = metadata;
  const owner = secretOwner(ownerReferences, { type, annotations });
  if (owner === undefined) return false;
  const user = await findOne(client, USERS, { namespace, name: owner.name });
  return user?.metadata.uid === owner.uid;
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
      data: encodeValues({ [KEY]: id }),
    },
  });
  if (!answer.ok && answer.status !== 409) bodyOf(answer, `Secret ${namespace}/${INSTALLATION_SECRET} cannot be made`);
}
