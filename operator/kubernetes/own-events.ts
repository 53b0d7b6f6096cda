/** Events about the operator itself, on its own pod: `kubectl describe pod` shows them. */
import type { KubeClient } from './client/client.ts';
import { startEventRecorder, type EventRecorder } from './client/events.ts';

export interface OwnPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

interface OwnEvent {
  readonly kind: 'Pod';
  readonly apiVersion: 'v1';
  readonly meta: OwnPod;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface OwnEvents {
  readonly tell: (type: OwnEvent['type'], reason: 'SettingsTaken' | 'SettingsRefused', message: string) => void;
  readonly close: EventRecorder<OwnEvent>['close'];
}

/** Undefined for the pod: the process runs outside of one, and there is nothing to hang Events on. */
export function startOwnEvents(
  client: KubeClient,
  { pod, ...options }: { pod: OwnPod | undefined; instance: string; onTrouble: (message: string) => void },
): OwnEvents {
  const events = startEventRecorder<OwnEvent>(client, options);
  return {
    tell: (type, reason, message) => {
      if (pod === undefined) return;
      events.record({ kind: 'Pod', apiVersion: 'v1', meta: pod, type, reason, message });
    },
    close: events.close,
  };
}

/** As the chart's manifest says it. */
export function ownPod(namespace: string, { POD_NAME: name, POD_UID: uid }: NodeJS.ProcessEnv): OwnPod | undefined {
  return name && uid ? { namespace, name, uid } : undefined;
}
