/**
 * Metrics of single lists and users, for installations that ask for them: each costs its series for as long as it is
 * used, so there are only as many as the settings say, of those that send most.
 */
import { Gauge, Registry } from 'prom-client';
import type { Tally, UsageReport } from '../observe/usage-report.ts';

const COUNTS = ['accepted', 'recipients', 'bytes', 'delivered', 'bounced', 'deferred'] as const;

export function createUsageMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Gauge({ name: `smtpplus_${name}`, help, labelNames, registers });
  return {
    registry,
    list: gauge('list_day', 'What this relay has counted for a list in the last 24 hours', ['list', 'what']),
    user: gauge('user_day', 'What this relay has counted for a user (NAMESPACE/NAME) in the last 24 hours', [
      'user',
      'what',
    ]),
  };
}

/** In the text format of Prometheus; empty where there are none. @param most lists, and as many users. */
export async function usageMetrics({ lists, users }: UsageReport, most: number): Promise<string> {
  if (most === 0) return '';
  const { registry, list, user } = createUsageMetrics();
  for (const [key, what, count] of countsOf(lists, most)) list.set({ list: key, what }, count);
  for (const [key, what, count] of countsOf(users, most)) user.set({ user: key, what }, count);
  return registry.metrics();
}

function* countsOf(tallies: Readonly<Record<string, Tally>>, most: number): Generator<[string, string, number]> {
  const byUse = Object.entries(tallies).sort(([, a], [, b]) => useOf(b) - useOf(a));
  for (const [key, tally] of byUse.slice(0, most)) {
    for (const what of COUNTS) yield [key, what, tally[what] ?? 0];
    yield [key, 'refused', refusedOf(tally)];
  }
}

function useOf(tally: Tally): number {
  return (tally.accepted ?? 0) + refusedOf(tally);
}

function refusedOf({ refused = {} }: Tally): number {
  return Object.values(refused).reduce((sum, count) => sum + count, 0);
}
