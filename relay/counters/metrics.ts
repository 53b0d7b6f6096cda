/** What a relay tells Prometheus of counters that it shares with others. */
import { Gauge, Registry } from 'prom-client';

export function createCounterMetrics() {
  const registry = new Registry();
  return {
    registry,
    up: new Gauge({
      name: 'smtpplus_shared_counters_up',
      help: '1 while the relay counts together with the others, 0 while it cannot and allows its share of each limit',
      registers: [registry],
    }),
  };
}
