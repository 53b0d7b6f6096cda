/**
 * Counts what people are told about objects, on a cluster and in one process: for each step in the life of a sender
 * there is one Event.
 */
import { Counter, type Registry } from 'prom-client';
import type { PlannedEvent } from './core/model.ts';

export function createEventCounter(
  registry: Registry,
): (event: Pick<PlannedEvent, 'type' | 'reason'> & { readonly kind: string }) => void {
  const counter = new Counter({
    name: 'smtpplus_operator_events_total',
    help: 'Events about objects, by kind, type and reason, such as a sender that is verified, loses its record, is revoked or is deleted',
    labelNames: ['kind', 'type', 'reason'],
    registers: [registry],
  });
  return ({ kind, type, reason }) => counter.inc({ kind, type, reason });
}
