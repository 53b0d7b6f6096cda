import { formatTable, median, spread } from '../table.ts';
import type { Measured } from './measure.ts';

const HEAD = [
  '',
  'accepted/s',
  'delivered/s',
  'p50 ms',
  'p99 ms',
  'p99.9 ms',
  'CPU s/1,000',
  'peak MB',
  'ratios of the relay',
];

/** One line for each server; ratios of the relay to it are taken round by round. */
export function formatScenario(name: string, runs: ReadonlyMap<string, readonly Measured[]>): string {
  const rows = [...runs].map(([server, all]) => {
    const of = (pick: (one: Measured) => number | undefined): number[] => all.flatMap((one) => pick(one) ?? []);
    return [
      server,
      spread(of((one) => one.accepted)),
      spread(of((one) => one.delivered)),
      middle(
        of((one) => one.p50),
        1,
      ),
      middle(
        of((one) => one.p99),
        1,
      ),
      middle(
        of((one) => one.p999),
        1,
      ),
      spread(
        of((one) => one.cpuPer1000),
        2,
      ),
      middle(
        of((one) => one.peakMb),
        0,
      ),
      ratiosTo(server, all, runs),
    ];
  });
  return [`\n${name}`, formatTable([HEAD, ...rows]), ...troubles(runs)].join('\n');
}

function middle(values: readonly number[], digits: number): string {
  return values.length === 0 ? '-' : median(values).toFixed(digits);
}

/** Of what is accepted by one that keeps it, and delivered by one that hands it on. */
function ratiosTo(server: string, theirs: readonly Measured[], runs: ReadonlyMap<string, readonly Measured[]>): string {
  const ratio = (of: string, ours: (one: Measured) => number, other: (one: Measured) => number): string => {
    const all = (runs.get(of) ?? []).flatMap((one, i) => {
      const their = theirs[i];
      return their === undefined ? [] : [ours(one) / other(their)];
    });
    return spread(all, 2);
  };
  const rate = ({ accepted, delivered }: Measured): number => delivered ?? accepted;
  switch (server) {
    case 'relay':
      return '';
    case 'holding':
      return '';
    case 'floor':
      return `holding ${ratio('holding', rate, rate)}, relay ${ratio('relay', rate, rate)}`;
    default:
      return `relay ${ratio('relay', rate, rate)}`;
  }
}

function troubles(runs: ReadonlyMap<string, readonly Measured[]>): string[] {
  return [...runs].flatMap(([server, all]) => {
    const sum = (of: (one: Measured) => number): number => all.reduce((total, one) => total + of(one), 0);
    const [left, failures] = [sum((one) => one.left), sum((one) => one.failures)];
    if (left + failures === 0) return [];
    return [`${server}: ${failures} attempts failed, ${left} messages were accepted and not handed on in time`];
  });
}
