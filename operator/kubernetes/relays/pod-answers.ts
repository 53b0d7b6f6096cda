/** Asks relay pods which documents they run, and what they say about themselves. */
import { usageReportSchema, type UsageReport } from '../../../relay/observe/usage-report.ts';
import { queueReportSchema, type QueueReport } from '../../../relay/observe/queue-report.ts';
import { stateReportSchema, type StateReport } from '../../../relay/observe/state-report.ts';
import { upstreamReportSchema, type UpstreamReport } from '../../../relay/observe/upstream-report.ts';
import type { RelayAnswer } from '../../relays/reports.ts';
import { messageOf } from '../../errors.ts';
import type { RelayPod } from './relay-pods.ts';

export interface PodAnswer {
  readonly pod: string;
  /** SHA-256 of each document that it runs, by file name; undefined where it did not say. */
  readonly documents: Readonly<Record<string, unknown>> | undefined;
  /** Fingerprint of the certificate that it uses; undefined where it did not say. */
  readonly certificate?: string;
  /** Why it did not say. */
  readonly trouble?: string;
  /** What it says about itself; undefined where it did not, as one of an older version. */
  readonly relay?: RelayAnswer;
}

/** The answers of all that are ready. Pods that are not get no mail, so that they do not count. */
export type AskPods = (pods: readonly RelayPod[]) => Promise<readonly PodAnswer[]>;

const ASK_TIMEOUT_MS = 2000;
/** 33 names and hashes take 3 KB; whatever is longer is not a relay's answer. */
const CONFIG_MAX = 64 * 1024;
/** As many lists as a relay names, with names as long as there are. */
const UPSTREAMS_MAX = 8 * 1024 * 1024;

/** Size of an answer about the queue, list by list. */
const QUEUE_MAX = 8 * CONFIG_MAX;
/** 100,000 users and lists, and what was counted of each. */
const USAGE_MAX = 64 * 1024 * 1024;

/** What opens the pages of the relays of a class. */
export type TokenOf = (className: string) => string;

/** What a pod said of its upstreams last: the same object as long as it says that nothing has changed. */
interface Told {
  readonly etag: string | undefined;
  readonly report: UpstreamReport;
}

export function createPodAsker(tokenOf: TokenOf): AskPods {
  // as long as nothing else is known of the pod
  const told = new WeakMap<RelayPod, Told>();

  async function ask(pod: RelayPod): Promise<PodAnswer> {
    if (pod.http === undefined) return { pod: pod.name, documents: undefined, trouble: 'it has no address' };
    try {
      const token = tokenOf(pod.className);
      const { text } = await get(`${pod.http}/configz`, { most: CONFIG_MAX, token });
      const report = asObject(JSON.parse(text ?? ''));
      // after the documents: it is about them, or later ones
      const upstreams = await askUpstreams(pod, pod.http).catch(() => undefined);
      const isFull = typeof report['spoolFullSince'] === 'string';
      const documents = asObject(report['documents'] ?? report);
      const { certificate } = report;
      return {
        pod: pod.name,
        documents,
        ...(typeof certificate === 'string' && { certificate }),
        ...(upstreams !== undefined && { relay: { ...upstreams, isFull } }),
      };
    } catch (error) {
      return { pod: pod.name, documents: undefined, trouble: messageOf(error) };
    }
  }

  async function askUpstreams(pod: RelayPod, http: string): Promise<UpstreamReport> {
    const before = told.get(pod);
    const { etag, text } = await get(`${http}/upstreamz`, {
      most: UPSTREAMS_MAX,
      token: tokenOf(pod.className),
      etag: before?.etag,
    });
    if (before !== undefined && text === undefined) return before.report;
    const report = upstreamReportSchema.parse(JSON.parse(text ?? ''));
    told.set(pod, { etag, report });
    return report;
  }

  return async (pods) => {
    const ready = pods.filter((pod) => pod.isReady);
    return Promise.all(ready.map(ask));
  };
}

/** Fingerprints of the certificates that they use; undefined where not all of them say. */
export function fingerprintsIn(answers: readonly PodAnswer[]): readonly string[] | undefined {
  const known = answers.flatMap(({ certificate }) => certificate ?? []);
  return known.length === answers.length ? known : undefined;
}

/** What each of them that is ready has counted; undefined of one that does not say. */
export async function askUsage(
  pods: readonly RelayPod[],
  tokenOf: TokenOf,
): Promise<ReadonlyMap<string, UsageReport | undefined>> {
  const ready = pods.filter((pod) => pod.isReady);
  const answers = ready.map(async (pod) => [pod.name, await readReport(pod, USAGE, tokenOf)] as const);
  return new Map(await Promise.all(answers));
}

export interface ConsoleAnswer {
  readonly pod: RelayPod;
  readonly state: StateReport | undefined;
  readonly queue: QueueReport | undefined;
  readonly upstreams: UpstreamReport['upstreams'] | undefined;
  readonly usage: UsageReport | undefined;
}

/** Everything that one pod says of itself, ready or not: what it does not say is undefined. */
export async function askForConsole(pod: RelayPod, tokenOf: TokenOf): Promise<ConsoleAnswer> {
  const [state, queue, upstreams, usage] = await Promise.all([
    readReport(pod, STATE, tokenOf),
    readReport(pod, QUEUE, tokenOf),
    readReport(pod, UPSTREAMS, tokenOf),
    readReport(pod, USAGE, tokenOf),
  ]);
  return { pod, state, queue, upstreams: upstreams?.upstreams, usage };
}

/** A page of a relay that is one report. */
interface Report<T> {
  readonly path: string;
  /** Octets that it may have. */
  readonly most: number;
  readonly schema: { readonly parse: (value: unknown) => T };
}

const STATE: Report<StateReport> = { path: '/configz', most: CONFIG_MAX, schema: stateReportSchema };
const QUEUE: Report<QueueReport> = { path: '/queue', most: QUEUE_MAX, schema: queueReportSchema };
const UPSTREAMS: Report<UpstreamReport> = { path: '/upstreamz', most: UPSTREAMS_MAX, schema: upstreamReportSchema };
const USAGE: Report<UsageReport> = { path: '/usage', most: USAGE_MAX, schema: usageReportSchema };

/** Undefined where the pod does not say. */
async function readReport<T>(
  { http, className }: RelayPod,
  { path, most, schema }: Report<T>,
  tokenOf: TokenOf,
): Promise<T | undefined> {
  if (http === undefined) return undefined;
  try {
    const { text } = await get(`${http}${path}`, { most, token: tokenOf(className) });
    return schema.parse(JSON.parse(text ?? ''));
  } catch {
    return undefined;
  }
}

interface Page {
  /** Undefined where the page is still what it was, by its tag. */
  readonly text: string | undefined;
  readonly etag: string | undefined;
}

interface Request {
  /** Octets that an answer may have. */
  readonly most: number;
  readonly token: string;
  /** ETag of the page as it last was. */
  readonly etag?: string | undefined;
}

const REFUSED =
  'it refuses our token (401): its configuration is that of another installation, or older than the Secret smtp-plus-installation';

/** With the token in any case: a relay of an older version, or one that is open, does not look at it. */
async function get(url: string, { most, token, etag }: Request): Promise<Page> {
  const headers = { authorization: `Bearer ${token}`, ...(etag !== undefined && { 'if-none-match': etag }) };
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(ASK_TIMEOUT_MS), redirect: 'error' });
  const text = await readText(response, most);
  if (etag !== undefined && response.status === 304) return { text: undefined, etag };
  if (response.status === 401) throw new Error(REFUSED);
  if (!response.ok || text === undefined) throw new Error('its answer is no report of a relay');
  return { text, etag: response.headers.get('etag') ?? undefined };
}

/** Undefined where it is longer than that. */
async function readText({ body }: Response, most: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > most) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
