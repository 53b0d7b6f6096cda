/** Health, readiness and metrics of the operator. */
import type { HttpPages } from '../../relay/http.ts';
import type { Lease } from './client/lease.ts';
import type { OperatorMetrics } from './metrics.ts';
import type { Controller } from './controller-types.ts';

export function operatorPages({
  controller,
  lease,
  metrics,
}: {
  /** The one at work. */
  controller: () => Controller;
  lease: Lease;
  metrics: OperatorMetrics;
}): HttpPages {
  return {
    metrics: async () => {
      sample(controller(), lease, metrics);
      return { contentType: metrics.registry.contentType, body: await metrics.registry.metrics() };
    },
    // an API server that is away is no reason to restart us: nothing would be better afterwards
    unhealthy: () => undefined,
    unready: () => {
      const operator = controller();
      // it works all the same, but an upgrade that waits for readiness has to see what is missing
      if (operator.hasSynced()) return [...operator.crdTroubles().values()].join('; ') || undefined;
      return ['the caches have not synced yet', ...operator.syncTroubles()].join('; ');
    },
    configz: () => ({ leader: lease.isLeader(), documents: controller().written() }),
  };
}

function sample(operator: Controller, lease: Lease, metrics: OperatorMetrics): void {
  metrics.queueDepth.set(operator.depth());
  metrics.leader.set(lease.isLeader() ? 1 : 0);
  metrics.eventsDropped.set(operator.eventsDropped());
  for (const [kind, seconds] of operator.silence()) metrics.watchAge.set({ kind }, seconds);
  metrics.contestedStatuses.set(operator.contestedStatuses());
  metrics.crdsOutdated.reset();
  for (const kind of operator.crdTroubles().keys()) metrics.crdsOutdated.set({ kind }, 1);
  metrics.objects.reset();
  for (const { kind, ready, count } of operator.readiness()) metrics.objects.set({ kind, ready }, count);
}
