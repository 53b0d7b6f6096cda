/**
 * Metrics of single lists and users, for installations that ask for them: each costs its series for as long as it is used, so
 * that there are no more of them than the settings say, of those that send most.
 */
import { Gauge, Registry } from 'prom-client';
import type { Tally, UsageReport } from '../usage-report.ts';

const COUNTS = ['accepted', 'recipients', 'bytes', 'delivered', 'bounced', 'deferred'] as const;

/** In the text format of Prometheus; empty where there are none. @param most lists, and as many users. */
export async function usageMetrics({ lists, users }: UsageReport, most: number): Promise<string> {
  if (most === 0) return '';
  const registry = new Registry();
  const registers = [registry];
  const list = new Gauge({
    name: 'smtpplus_list_day',
    help: 'What this relay has counted of a list in the last 24 hours',
    labelNames: ['list', 'what'],
    registers,
  });
  const user = new Gauge({
    name: 'smtpplus_user_day',
    help: 'What this relay has counted of a user (NAMESPACE/NAME) in the last 24 hours',
    labelNames: ['user', 'what'],
    registers,
  });
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
