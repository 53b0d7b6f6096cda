/** The relay pods of the class `default`. */
import { until } from '../support/eventually.ts';
import { NAMESPACE } from './install.ts';
import { kubectl } from './kubectl.ts';
import { SETTLED_MS } from './shop.ts';

export interface RelayPod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: {
    readonly podIP: string;
    readonly conditions: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime: string;
    }[];
    readonly containerStatuses: readonly { readonly state: { readonly running?: { readonly startedAt: string } } }[];
  };
}

export async function relayPods(): Promise<readonly RelayPod[]> {
  const pods = await kubectl(['get', 'pods', '-n', NAMESPACE, '-l', 'smtpplus.io/relay-class=default', '-o', 'json']);
  return (JSON.parse(pods) as { items: RelayPod[] }).items;
}

/** There are that many, and all of them are ready. */
export async function untilRelays(count: number, ms = SETTLED_MS): Promise<void> {
  await until(
    async () => {
      const pods = await relayPods();
      const ready = pods.filter(({ status }) =>
        status.conditions.some((one) => one.type === 'Ready' && one.status === 'True'),
      );
      return pods.length === count && ready.length === count;
    },
    { ms },
  );
}

/** From the start of each container until its relay was ready, to the second, as the kubelet tells it. */
export async function startTimes(): Promise<readonly number[]> {
  return (await relayPods()).map(({ status: { conditions, containerStatuses } }) => {
    const ready = conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? '';
    return (Date.parse(ready) - Date.parse(containerStatuses[0]?.state.running?.startedAt ?? '')) / 1000;
  });
}

/** Of the second relay, as the operator has noted it; empty while nobody knows. */
export function messagesOnVolume(): Promise<string> {
  const path = String.raw`jsonpath={.metadata.annotations.smtpplus\.io/spool-messages}`;
  return kubectl(['get', 'pvc', 'spool-smtp-plus-relay-1', '-n', NAMESPACE, '-o', path]);
}

/** Resolves to what the script prints there: the image has no shell. */
export function inRelay(pod: string, script: string): Promise<string> {
  return kubectl(['exec', '-n', NAMESPACE, pod, '--', '/usr/bin/node', '--eval', script]);
}

/** The words of `/readyz`. */
export function readinessOf(pod: string): Promise<string> {
  return inRelay(
    pod,
    "fetch('http://127.0.0.1:9465/readyz').then((one) => one.text()).then((text) => process.stdout.write(text))",
  );
}
