/** Times as Kubernetes writes them: RFC 3339, UTC, whole seconds. */
import type { ObjectName } from '../api/names.ts';

export function formatTime(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** MicroTime of Kubernetes, of Leases and Events: six decimals. */
export function formatMicroTime(time: Date): string {
  return time.toISOString().replace('Z', '000Z');
}

/** The moment that a text says, or undefined where it says none. */
export function parseTime(text: string | undefined): Date | undefined {
  const time = text === undefined ? NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : new Date(time);
}

export function wholeSeconds(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000);
}

export function after(time: Date, seconds: number): Date {
  return new Date(time.getTime() + seconds * 1000);
}

/** The first of the moments that are still to come. */
export function earliestAfter(now: Date, moments: readonly (Date | undefined)[]): Date | undefined {
  const ahead = moments.filter((moment) => moment !== undefined && moment > now);
  return ahead.reduce<Date | undefined>(
    (first, moment) => (first === undefined || (moment !== undefined && moment < first) ? moment : first),
    undefined,
  );
}

/** For `sort`: the older object first, by the API server's clock, then by name. One of unknown age comes last. */
export function byAge(a: Aged, b: Aged): number {
  const [ageA, ageB] = [a.creationTimestamp ?? UNKNOWN_AGE, b.creationTimestamp ?? UNKNOWN_AGE];
  if (ageA !== ageB) return ageA < ageB ? -1 : 1;
  return compareText(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`);
}

/** Why `byAge` puts the one before the other, for people: in a folder nothing has an age. */
export function whyBefore(first: Aged | undefined, other: Aged): string {
  return first?.creationTimestamp === other.creationTimestamp ? 'which comes first by name' : 'which is older';
}

interface Aged extends ObjectName {
  readonly creationTimestamp?: string;
}

/** Sorts after every ISO 8601 time. */
const UNKNOWN_AGE = '~';

/** By code unit, the same on every machine (`localeCompare` is not). */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
