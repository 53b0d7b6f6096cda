/**
 * A pod that empties the spool of a relay that is no more. It has the name of that relay's pod, so that the two never use the
 * volume at the same time: where the relay is wanted again, the StatefulSet has to wait until this one is gone.
 */
import type { Fleet } from '../relays/fleets.ts';
import { CLASS_LABEL } from '../relays/relay-pods.ts';

/** In place of the label that brings mail to a relay. Its value is the class. */
export const DRAIN_LABEL = 'smtpplus.io/drains';

/** The main container, as the chart names it. */
const CONTAINER = 'relay';

export function drainPod(
  fleet: Fleet,
  { namespace, relay, claim }: { namespace: string; relay: string; claim: string },
) {
  const { metadata = {}, spec = {} } = fleet.template;
  const { containers = [], volumes = [], ...others } = spec;
  const { [CLASS_LABEL]: className = fleet.className, ...labels } = metadata.labels ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: relay,
      namespace,
      labels: { ...labels, [DRAIN_LABEL]: className },
      annotations: metadata.annotations ?? {},
      // goes with the fleet, which is no controller of it: that one would delete it as one too many
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: fleet.name, uid: fleet.uid }],
    },
    spec: {
      ...others,
      restartPolicy: 'OnFailure',
      containers: containers.filter(({ name }) => name === CONTAINER).map(draining),
      volumes: [...volumes, { name: fleet.volume, persistentVolumeClaim: { claimName: claim } }],
    },
  };
}

type Container = NonNullable<NonNullable<Fleet['template']['spec']>['containers']>[number];

const LAST_WORDS = '--last-words=';

/** It takes no mail, answers nobody, and ends by itself. */
function draining(container: Container) {
  const { ports: _, lifecycle: _1, startupProbe: _2, livenessProbe: _3, readinessProbe: _4, ...others } = container;
  // a flag that is given twice is refused
  const args = (container.args ?? []).filter((flag) => !flag.startsWith(LAST_WORDS));
  return { ...others, args: [...args, '--drain', `${LAST_WORDS}/dev/termination-log`] };
}
