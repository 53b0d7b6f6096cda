/** Health, readiness and metrics of the operator. */
import type { HttpPages } from '../../relay/observe/http.ts';
import type { Readers } from '../../relay/observe/page-readers.ts';
import type { Lease } from './client/lease.ts';
import type { OperatorMetrics } from './metrics.ts';
import type { Controller } from './controller-types.ts';

export function operatorPages({
  controller,
  readers,
  lease,
  metrics,
}: {
  /** The one at work. */
  controller: () => Controller;
  readers: () => Readers;
  lease: Lease;
  metrics: OperatorMetrics;
}): HttpPages {
  return {
    readers,
    metrics: async () => {
      sample(controller(), lease, metrics);
      return { contentType: metrics.registry.contentType, body: await metrics.registry.metrics() };
    },
    // an API server that is away is no reason to restart us: nothing would be better afterwards
    unhealthy: () => undefined,
    // in words that name no namespace and no object: everybody may read them
    unready: () => {
      const operator = controller();
      if (!operator.hasSynced()) return `the caches have not synced yet; ${WHY}`;
      // it works all the same, but an upgrade that waits for readiness has to see what is missing
      const outdated = [...operator.crdTroubles().keys()].join(', ');
      return outdated === '' ? undefined : `CRDs are of another version than this operator: ${outdated}; ${WHY}`;
    },
    configz: () => {
      const operator = controller();
      const troubles = [...operator.syncTroubles(), ...operator.crdTroubles().values()];
      return { leader: lease.isLeader(), documents: operator.written(), troubles };
    },
  };
}

const WHY = 'the log of the operator and /configz say why';

function sample(operator: Controller, lease: Lease, metrics: OperatorMetrics): void {
  metrics.queueDepth.set(operator.depth());
  metrics.leader.set(lease.isLeader() ? 1 : 0);
  metrics.eventsDropped.set(operator.eventsDropped());
  for (const [kind, seconds] of operator.silence()) metrics.watchAge.set({ kind }, seconds);
  metrics.contestedStatuses.set(operator.contestedStatuses());
  metrics.configurationLag.reset();
  for (const [className, seconds] of operator.lags()) metrics.configurationLag.set({ class: className }, seconds);
  metrics.crdsOutdated.reset();
  for (const kind of operator.crdTroubles().keys()) metrics.crdsOutdated.set({ kind }, 1);
  metrics.objects.reset();
  for (const { kind, ready, count } of operator.readiness()) metrics.objects.set({ kind, ready }, count);
}
