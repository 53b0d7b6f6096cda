/**
 * What a worker reports about itself, and what the reports of several add up to. It travels between processes as JSON.
 */
import type { QueueReport } from '../observe/queue-report.ts';
import { REPORTED_LISTS_MAX, type KnownUpstreams, type UpstreamTrouble } from '../observe/upstream-report.ts';

export interface WorkerState {
  /** ISO 8601, as every time here. */
  readonly startTime: string;
  /** Why it is to be started anew; undefined while it is healthy. */
  readonly fault: string | undefined;
  /** Name of the relay class; undefined until every document of the configuration has been read once. */
  readonly className: string | undefined;
  /** SHA-256 (hex) of what opens the pages that name tenants; undefined: they are open. */
  readonly tokenHash: string | undefined;
  /** When the configuration in force was read. */
  readonly readTime: string | undefined;
  /** SHA-256 (hex) of each document in force, by file name. */
  readonly documents: Documents;
  /** SHA-256 of the certificate of new connections, as X509Certificate says it. */
  readonly certificate: string;
  readonly certificateNotAfter: string;
  readonly shutdownSeconds: number;
  /** How many lists and users have metrics of their own. */
  readonly usageMetrics: number;
  /** Since when its spool has had no room. */
  readonly spoolFullSince: string | undefined;
  readonly spoolFill: SpoolFill;
  /** Where it takes mail of other relays. */
  readonly handoverPort: number | undefined;
  readonly queue: QueueReport;
  /** What is known of the upstreams, by list. */
  readonly upstreams: KnownUpstreams;
}

export type Documents = Readonly<Record<string, string>>;

/** In percent; of namespaces, those that have filled most of their share. */
export interface SpoolFill {
  readonly percent: number;
  readonly namespaces: Readonly<Record<string, number>>;
}

/** The documents that all of them run. */
export function commonDocuments([first, ...others]: readonly WorkerState[]): Documents {
  const common = Object.entries(first?.documents ?? {}).filter(([name, hash]) =>
    others.every(({ documents }) => documents[name] === hash),
  );
  return Object.fromEntries(common);
}

/** The certificate that all of them use. */
export function commonCertificate([first, ...others]: readonly WorkerState[]): Partial<
  Pick<WorkerState, 'certificate' | 'certificateNotAfter'>
> {
  if (first === undefined || others.some(({ certificate }) => certificate !== first.certificate)) return {};
  const { certificate, certificateNotAfter } = first;
  return { certificate, certificateNotAfter };
}

/** Mail is refused where one of them has no room. */
export function fullSince(states: readonly WorkerState[]): string | undefined {
  return states.flatMap(({ spoolFullSince }) => spoolFullSince ?? []).sort()[0];
}

export function fullestFill(states: readonly WorkerState[]): SpoolFill {
  const namespaces: Record<string, number> = {};
  for (const [name, percent] of states.flatMap(({ spoolFill }) => Object.entries(spoolFill.namespaces))) {
    namespaces[name] = Math.max(percent, namespaces[name] ?? 0);
  }
  return { percent: Math.max(0, ...states.map(({ spoolFill }) => spoolFill.percent)), namespaces };
}

/** An upstream is in trouble where one of them says so of a list. What fails is named first, as each of them does it. */
export function mergedUpstreams(states: readonly WorkerState[]): KnownUpstreams {
  const [only] = states;
  if (only !== undefined && states.length === 1) return only.upstreams;
  const troubles = new Map<string, UpstreamTrouble | undefined>();
  for (const { lists, trouble } of states.flatMap(({ upstreams }) => upstreams)) {
    for (const list of lists) troubles.set(list, worse(troubles.get(list), trouble));
  }
  // lists of one upstream have one trouble
  const groups = Map.groupBy(troubles, ([, trouble]) => JSON.stringify(trouble));
  const found = [...groups.values()].map((group) => {
    const lists = group.map(([list]) => list).sort();
    const trouble = group[0]?.[1];
    return trouble === undefined ? { lists } : { lists, trouble };
  });
  return bounded(found.sort((a, b) => Number(a.trouble === undefined) - Number(b.trouble === undefined)));
}

function bounded(upstreams: KnownUpstreams): KnownUpstreams {
  let left = REPORTED_LISTS_MAX;
  return upstreams.map((one) => {
    const lists = one.lists.slice(0, left);
    left -= lists.length;
    return { ...one, lists };
  });
}

/** Since the earlier time, with the later words. */
function worse(a: UpstreamTrouble | undefined, b: UpstreamTrouble | undefined): UpstreamTrouble | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const later = a.time < b.time ? b : a;
  return { ...later, since: a.since < b.since ? a.since : b.since };
}
