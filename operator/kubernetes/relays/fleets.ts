/**
 * The StatefulSets of relays, in the operator's own namespace: how many relays a class should have, and what they are
 * made of.
 */
import type { KubeClient } from '../client/client.ts';
import { startClassReflector } from './class-reflector.ts';
import { STATEFUL_SETS, type KubeObject } from '../client/resources.ts';
import { CLASS_LABEL } from './relay-pods.ts';

export interface Fleet {
  readonly className: string;
  readonly name: string;
  readonly uid: string;
  /** How many relays there are to be: NAME-0 and so on. */
  readonly relays: number;
  /** Name of the volume with the spool, which begins the names of its claims. */
  readonly volume: string;
  readonly template: PodTemplate;
}

interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: {
    readonly containers?: readonly ContainerSpec[];
    readonly volumes?: readonly object[];
    readonly [field: string]: unknown;
  };
}

interface ContainerSpec {
  readonly name: string;
  readonly args?: readonly string[];
  readonly [field: string]: unknown;
}

export interface Fleets {
  readonly synced: Promise<void>;
  readonly hasSynced: () => boolean;
  readonly of: (className: string) => Fleet | undefined;
}

export interface FleetsOptions {
  readonly namespace: string;
  readonly onChange: (className: string) => void;
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
}

interface StatefulSet extends KubeObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly volumeClaimTemplates?: readonly { readonly metadata?: { readonly name?: string } }[];
    readonly template?: PodTemplate;
  };
}

export function startFleets(client: KubeClient, options: FleetsOptions): Fleets {
  const { synced, hasSynced, ofClass } = startClassReflector<Fleet>(client, {
    ...options,
    resource: STATEFUL_SETS,
    keep: viewFleet,
  });
  return { synced, hasSynced, of: (className) => ofClass(className)[0] };
}

/** Undefined: it has nothing to do with relays, or they have no volumes. */
function viewFleet(object: KubeObject): Fleet | undefined {
  const { metadata, spec } = object as StatefulSet;
  const className = spec?.selector?.matchLabels?.[CLASS_LABEL];
  const volume = spec?.volumeClaimTemplates?.[0]?.metadata?.name;
  if (spec === undefined || className === undefined || volume === undefined) return undefined;
  const { replicas: relays = 1, template = {} } = spec;
  return { className, name: metadata.name, uid: metadata.uid, relays, volume, template };
}
