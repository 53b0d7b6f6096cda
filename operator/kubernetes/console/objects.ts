/** Objects with their statuses, complete: the operator's caches keep only a part of a status. */
import type { KindName } from '../../api/kinds.ts';
import { asRecord, textAt } from '../../api/plain-data.ts';
import { bodyOf } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { listPagesOf } from '../client/pages.ts';
import { KIND_RESOURCES, pathOf, type KubeObject } from '../client/resources.ts';
import { createMemo } from './memo.ts';
import { createTurns } from '../../console/turns.ts';

/** As many of a kind as a page shows. */
const OBJECTS_MAX = 500;
/** As many in an answer: each may carry 256 KiB of annotations, which are gone before the next ones are read. */
const ANSWER_MAX = 50;
/** A page that is open asks every three seconds; those who look at the same share what was read. */
const REMEMBERED_MS = 3000;
/** For all viewers together: how many answers of that size are in memory at once. */
const READ_AT_ONCE = 2;
/** A page view waits with three lists at most. */
const WAITING_MAX = 60;

export interface LiveObject {
  readonly namespace: string;
  readonly name: string;
  /** Its `relayClassName` and `upstream.host` alone. */
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

/** @param where namespaces, or undefined for the whole cluster. Rejects with a NoTurnError where too much is being read. */
export type ReadObjects = (kind: KindName, where: readonly (string | undefined)[]) => Promise<Objects>;

export function createReadObjects(client: KubeClient): ReadObjects {
  const known = createMemo<Objects>({ forMs: REMEMBERED_MS });
  const turns = createTurns({ atOnce: READ_AT_ONCE, waitingMax: WAITING_MAX });

  return async (kind, where) => {
    const objects: LiveObject[] = [];
    for (const namespace of where) {
      if (objects.length >= OBJECTS_MAX) return { objects, isCut: true };
      const key = JSON.stringify([kind, namespace]);
      const there = await known.get(key, () => turns.take(() => readPlace(client, kind, namespace)));
      const left = OBJECTS_MAX - objects.length;
      objects.push(...there.objects.slice(0, left));
      if (there.isCut || there.objects.length > left) return { objects, isCut: true };
    }
    return { objects, isCut: false };
  };
}

async function readPlace(client: KubeClient, kind: KindName, namespace: string | undefined): Promise<Objects> {
  const place = pathOf(KIND_RESOURCES[kind], { namespace });
  const readPage = async (next: string | undefined): Promise<Page> => {
    const query = new URLSearchParams({ limit: String(ANSWER_MAX), ...(next && { continue: next }) });
    const answer = await client.request<Page>({ method: 'GET', path: `${place}?${query.toString()}` });
    return bodyOf(answer, `${kind} cannot be listed`);
  };
  const objects: LiveObject[] = [];
  for await (const { items, metadata } of listPagesOf(readPage)) {
    objects.push(...items.map(viewObject));
    if (objects.length < OBJECTS_MAX) continue;
    return { objects: objects.slice(0, OBJECTS_MAX), isCut: Boolean(metadata.continue) };
  }
  return { objects, isCut: false };
}

/**
 * What a page shows of it, and nothing else: neither annotations nor managed fields, which tenants can make as large as
 * they like.
 */
function viewObject({ metadata, spec, status }: Page['items'][number]): LiveObject {
  const { namespace = '', name } = metadata;
  const given = asRecord(spec);
  const viewed = {
    relayClassName: textAt(given, 'relayClassName'),
    upstream: { host: textAt(given, 'upstream', 'host') },
  };
  return { namespace, name, spec: viewed, status: asRecord(status) };
}
