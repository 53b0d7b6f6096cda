/**
 * Mirrors what belongs to relay classes: pods, StatefulSets, volume claims. A change is reported by the classes that it
 * concerns.
 */
import type { KubeClient } from '../client/client.ts';
import { startReflector, type Reflector, type ReflectorOptions } from '../client/reflector.ts';
import type { KubeObject } from '../client/resources.ts';

interface Classed {
  readonly className: string;
}

export interface ClassReflector<T extends Classed> extends Pick<Reflector<T>, 'synced' | 'hasSynced' | 'observe'> {
  readonly all: () => readonly T[];
  readonly ofClass: (className: string) => readonly T[];
}

interface Options<T extends Classed> extends Omit<ReflectorOptions<T>, 'keep' | 'onChange'> {
  /** Undefined: it is none of our business. */
  readonly keep: (object: KubeObject) => T | undefined;
  /** One came, or changed: called before `onChange`. */
  readonly onSeen?: (one: T) => void;
  readonly onChange: (className: string) => void;
}

export function startClassReflector<T extends Classed>(
  client: KubeClient,
  { onSeen, onChange, ...options }: Options<T>,
): ClassReflector<T> {
  const reflector = startReflector<T | undefined>(client, {
    ...options,
    onChange: (_, before, after) => {
      if (after !== undefined) onSeen?.(after);
      for (const className of new Set([before?.className, after?.className])) {
        if (className !== undefined) onChange(className);
      }
    },
  });
  const all = (): readonly T[] => [...reflector.entries.values()].flatMap(({ value }) => value ?? []);
  return {
    synced: reflector.synced,
    hasSynced: reflector.hasSynced,
    observe: reflector.observe,
    all,
    ofClass: (className) => all().filter((one) => one.className === className),
  };
}
