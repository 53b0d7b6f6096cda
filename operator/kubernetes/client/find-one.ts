import type { ObjectName } from '../../api/names.ts';
import { bodyOf } from './answers.ts';
import type { KubeClient } from './client.ts';
import { pathOf, type KubeObject, type Resource } from './resources.ts';

/** An object as the API server has it now. By a list of one: the right to list does not include the right to get. */
export async function findOne(
  client: KubeClient,
  resource: Resource,
  { namespace, name }: ObjectName,
): Promise<KubeObject | undefined> {
  const path = `${pathOf(resource, { namespace })}?fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;
  const answer = await client.request<{ readonly items: readonly KubeObject[] }>({ method: 'GET', path });
  return bodyOf(answer, `list of ${resource.kind} ${namespace}/${name}`).items.find(
    ({ metadata }) => metadata.name === name,
  );
}
