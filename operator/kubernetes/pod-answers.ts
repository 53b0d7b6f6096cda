/** Asks relay pods which documents they run. */
import { messageOf } from '../errors.ts';
import type { RelayPod } from './relay-pods.ts';

export interface PodAnswer {
  readonly pod: string;
  /** SHA-256 of each document that it runs, by file name; undefined where it did not say. */
  readonly documents: Readonly<Record<string, unknown>> | undefined;
  /** Why it did not say. */
  readonly trouble?: string;
}

const ASK_TIMEOUT_MS = 2000;
/** 33 names and hashes take 3 KB; whatever is longer is not a relay's answer. */
const ANSWER_MAX = 64 * 1024;

/** The answers of all that are ready. Pods that are not get no mail, so that they do not count. */
export async function askPods(pods: readonly RelayPod[]): Promise<readonly PodAnswer[]> {
  const ready = pods.filter((pod) => pod.isReady);
  return Promise.all(
    ready.map(async (pod) => {
      try {
        return { pod: pod.name, documents: await ask(pod) };
      } catch (error) {
        return { pod: pod.name, documents: undefined, trouble: messageOf(error) };
      }
    }),
  );
}

async function ask(pod: RelayPod): Promise<Readonly<Record<string, unknown>>> {
  if (pod.configz === undefined) throw new Error('it has no address');
  const response = await fetch(pod.configz, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS), redirect: 'error' });
  const text = await response.text();
  if (!response.ok || text.length > ANSWER_MAX) throw new Error('its answer is no report of a relay');
  return documentsOf(JSON.parse(text));
}

function documentsOf(report: unknown): Readonly<Record<string, unknown>> {
  const documents = (report as { documents?: unknown } | null)?.documents ?? report;
  return typeof documents === 'object' && documents !== null ? (documents as Record<string, unknown>) : {};
}
