/** The relay pods of a class: told that their configuration has changed, and asked which one they run. */
import { urlHost } from '../../api/names.ts';
import { messageOf } from '../../errors.ts';
import { bodyOf } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { startClassReflector } from './class-reflector.ts';
import { pathOf, PODS, type KubeObject } from '../client/resources.ts';
import { lastWordsOf } from '../stranded/last-words.ts';

/** On the relay's pod template; its value is the class that the pod serves. */
export const CLASS_LABEL = 'smtpplus.io/relay-class';
/** A kubelet syncs a pod's Secret volumes at once when an annotation changes; by itself it takes a minute. */
const CONFIG_ANNOTATION = 'smtpplus.io/config-hash';

export interface RelayPod {
  readonly namespace: string;
  readonly name: string;
  readonly className: string;
  readonly isReady: boolean;
  readonly configHash: string | undefined;
  /** Where its pages are; absent until it has an address, and once it has ended. */
  readonly http: string | undefined;
  /** It has ended, and left this many messages in its spool. */
  readonly left: number | undefined;
}

export interface RelayPods {
  readonly synced: Promise<void>;
  readonly hasSynced: () => boolean;
  readonly ofClass: (className: string) => readonly RelayPod[];
  readonly all: () => readonly RelayPod[];
  /** Classes of which there is a pod. */
  readonly classNames: () => ReadonlySet<string>;
  /** Sets the annotation on every pod of the class that has another one. */
  readonly bump: (className: string, configHash: string) => Promise<void>;
}

export interface RelayPodsOptions {
  readonly namespace: string;
  readonly onChange: (className: string) => void;
  /** A pod has ended, and said how many messages it leaves in its spool. */
  readonly onEnd: (className: string, name: string, left: number) => void;
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
}

interface PodObject extends KubeObject {
  readonly spec?: {
    readonly containers?: readonly {
      readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
    }[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** Name of the container port with its pages, and its number where no port has that name. */
const PORT_NAME = 'http';
const PORT_DEFAULT = 9465;
/** Pods that have ended keep their address in their status, while the next pod, a tenant's perhaps, already has it. */
const ENDED: ReadonlySet<string> = new Set(['Succeeded', 'Failed']);

export function startRelayPods(client: KubeClient, options: RelayPodsOptions): RelayPods {
  const { namespace, onTrouble, signal } = options;
  const { synced, hasSynced, all, ofClass } = startClassReflector<RelayPod>(client, {
    resource: PODS,
    namespace,
    labelSelector: CLASS_LABEL,
    keep: viewPod,
    onSeen: ({ className, name, left }) => {
      if (left !== undefined) options.onEnd(className, name, left);
    },
    onChange: options.onChange,
    onTrouble,
    signal,
  });
  return {
    synced,
    hasSynced,
    ofClass,
    all,
    classNames: () => new Set(all().map(({ className }) => className)),
    bump: async (className, configHash) => {
      const behind = ofClass(className).filter((pod) => pod.configHash !== configHash);
      // without it a kubelet takes a minute: no reason to stop for
      await Promise.all(
        behind.map((pod) => annotate(client, pod, configHash).catch((error: unknown) => onTrouble(messageOf(error)))),
      );
    },
  };
}

async function annotate(client: KubeClient, pod: RelayPod, configHash: string): Promise<void> {
  const answer = await client.request({
    method: 'PATCH',
    path: pathOf(PODS, pod),
    contentType: 'application/merge-patch+json',
    body: { metadata: { annotations: { [CONFIG_ANNOTATION]: configHash } } },
  });
  if (answer.ok || answer.status === 404) return;
  bodyOf(
    answer,
    `pod ${pod.namespace}/${pod.name} cannot be annotated, so that it takes a minute to get its configuration`,
  );
}

function viewPod(object: KubeObject): RelayPod {
  const { metadata, spec, status } = object as PodObject;
  const ports = (spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  const port = ports.find(({ name }) => name === PORT_NAME)?.containerPort ?? PORT_DEFAULT;
  const ip = ENDED.has(status?.phase ?? '') ? undefined : status?.podIP;
  const isReady = (status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    className: metadata.labels?.[CLASS_LABEL] ?? '',
    isReady: isReady && metadata.deletionTimestamp === undefined,
    configHash: metadata.annotations?.[CONFIG_ANNOTATION],
    left: lastWordsOf(object),
    http: ip === undefined ? undefined : `http://${urlHost(ip)}:${port}`,
  };
}
