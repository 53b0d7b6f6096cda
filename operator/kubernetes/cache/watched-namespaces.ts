/**
 * Labels of the namespaces that an operator limited to some namespaces reads: asked for one by one, again and again. A
 * role in a namespace can grant reading that namespace, whereas listing or watching namespaces takes a right in the
 * whole cluster.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isEqual } from '../../core/equal.ts';
import { messageOf } from '../../errors.ts';
import { bodyOf } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import type { ListWatch } from '../client/list-watch.ts';
import { NAMESPACES, pathOf, type KubeObject } from '../client/resources.ts';

type Labels = Readonly<Record<string, string>>;

export interface WatchedNamespaces extends Omit<ListWatch, 'version'> {
  readonly get: (name: string) => Labels | undefined;
}

export interface WatchedNamespacesOptions {
  readonly names: readonly string[];
  readonly onChange: (name: string) => void;
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
  readonly lookMs?: number | undefined;
}

/** Labels of namespaces change seldom. */
const LOOK_MS = 10_000;

export function followNamespaces(
  client: KubeClient,
  { onChange, onTrouble, signal, lookMs = LOOK_MS, ...options }: WatchedNamespacesOptions,
): WatchedNamespaces {
  const names = [...new Set(options.names)];
  const labels = new Map<string, Labels>();
  const answered = new Set<string>();
  const troubles = new Map<string, string>();
  const synced = Promise.withResolvers<void>();
  let heardAt = performance.now();

  async function look(name: string): Promise<void> {
    try {
      const found = await read(name);
      heardAt = performance.now();
      troubles.delete(name);
      answered.add(name);
      if (answered.size === names.length) synced.resolve();
      if (isEqual(labels.get(name), found)) return;
      if (found === undefined) labels.delete(name);
      else labels.set(name, found);
      onChange(name);
    } catch (error) {
      if (signal.aborted) return;
      const trouble = messageOf(error);
      if (troubles.get(name) !== trouble) onTrouble(trouble);
      troubles.set(name, trouble);
    }
  }

  /** Undefined: there is none. */
  async function read(name: string): Promise<Labels | undefined> {
    const answer = await client.request<KubeObject>({ method: 'GET', path: pathOf(NAMESPACES, { name }), signal });
    if (!answer.ok && answer.status === 404) return undefined;
    return bodyOf(answer, `namespace ${name} cannot be read`).metadata.labels ?? {};
  }

  void (async () => {
    while (!signal.aborted) {
      await Promise.all(names.map(look));
      await sleep(lookMs, undefined, { signal }).catch(() => undefined);
    }
  })();

  return {
    get: (name) => labels.get(name),
    hasSynced: () => answered.size === names.length,
    synced: synced.promise,
    trouble: () => [...troubles.values()].join('; ') || undefined,
    heardAt: () => heardAt,
  };
}
