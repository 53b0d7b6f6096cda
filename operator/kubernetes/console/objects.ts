/** Objects with their statuses, as they are: the caches of the operator keep a part of a status only. */
import type { KindName } from '../../api/kinds.ts';
import { asRecord } from '../../api/plain-data.ts';
import { bodyOf } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { KIND_RESOURCES, pathOf, type KubeObject } from '../client/resources.ts';

/** As many of a kind as a page shows. */
const OBJECTS_MAX = 500;

export interface LiveObject {
  readonly namespace: string;
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: Readonly<Record<string, unknown>>;
}

interface Page {
  readonly items: readonly (KubeObject & { readonly spec?: unknown; readonly status?: unknown })[];
  readonly metadata: { readonly continue?: string };
}

export interface Objects {
  readonly objects: readonly LiveObject[];
  /** There are more. */
  readonly isCut: boolean;
}

/** @param where namespaces, or undefined for the whole cluster. */
export async function readObjects(
  client: KubeClient,
  kind: KindName,
  where: readonly (string | undefined)[],
): Promise<Objects> {
  const objects: LiveObject[] = [];
  for (const namespace of where) {
    const left = OBJECTS_MAX - objects.length;
    if (left <= 0) return { objects, isCut: true };
    const path = `${pathOf(KIND_RESOURCES[kind], { namespace })}?limit=${left}`;
    const { items, metadata } = bodyOf(await client.request<Page>({ method: 'GET', path }), `${kind} cannot be listed`);
    objects.push(...items.map(viewObject));
    if (metadata.continue) return { objects, isCut: true };
  }
  return { objects, isCut: false };
}

function viewObject({ metadata, spec, status }: Page['items'][number]): LiveObject {
  const { namespace = '', name } = metadata;
  return { namespace, name, spec: asRecord(spec), status: asRecord(status) };
}
