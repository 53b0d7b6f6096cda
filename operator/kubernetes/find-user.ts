import type { ObjectName } from '../api/names.ts';
import { bodyOf } from './client/answers.ts';
import type { KubeClient } from './client/client.ts';
import { pathOf, USERS, type KubeObject } from './client/resources.ts';

/** A SmtpPlusUser as the API server has it now. By a list of one: the operator may list users, and nothing else. */
export async function findUser(client: KubeClient, { namespace, name }: ObjectName): Promise<KubeObject | undefined> {
  const path = `${pathOf(USERS, { namespace })}?fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;
  const answer = await client.request<{ readonly items: readonly KubeObject[] }>({ method: 'GET', path });
  return bodyOf(answer, `list of SmtpPlusUser ${namespace}/${name}`).items.find(
    ({ metadata }) => metadata.name === name,
  );
}
