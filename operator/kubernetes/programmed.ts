/** Asks relay pods which documents they run, and says whether those are the ones that were written last. */
import type { ProgrammedFact } from '../core/model.ts';
import type { RelayPod } from './relay-pods.ts';

/** SHA-256 of each document, by file name. */
export type DocumentHashes = ReadonlyMap<string, string>;

const ASK_TIMEOUT_MS = 2000;
/** 33 names and hashes take 3 KB; whatever is longer is not a relay's answer. */
const ANSWER_MAX = 64 * 1024;
const NAMED_MAX = 3;

/** Judges the ready pods of one class. Pods that are not ready get no mail, so that they do not count. */
export async function judgePods(pods: readonly RelayPod[], wanted: DocumentHashes): Promise<ProgrammedFact> {
  const ready = pods.filter((pod) => pod.isReady);
  if (ready.length === 0) return { state: 'Unknown', message: 'No relay pod is ready.' };
  const verdicts = await Promise.all(ready.map(async (pod) => ({ pod, lag: await lagOf(pod, wanted) })));
  const lagging = verdicts.filter(({ lag }) => lag !== undefined).sort((a, b) => (a.pod.name < b.pod.name ? -1 : 1));
  if (lagging.length === 0) return { state: 'Programmed', message: '' };
  const named = lagging.slice(0, NAMED_MAX).map(({ pod, lag }) => `pod ${pod.name} ${lag}`);
  const rest = lagging.length > NAMED_MAX ? `; and ${lagging.length - NAMED_MAX} more` : '';
  return { state: 'Lagging', message: `${named.join('; ')}${rest}` };
}

/** What is wrong with what the pod runs, or undefined where it runs every document as wanted. */
async function lagOf(pod: RelayPod, wanted: DocumentHashes): Promise<string | undefined> {
  const running = await ask(pod).catch(() => undefined);
  if (running === undefined) return 'did not say which configuration it runs';
  for (const [name, hash] of wanted) if (running[name] !== hash) return 'still runs an older configuration';
  return undefined;
}

async function ask(pod: RelayPod): Promise<Readonly<Record<string, unknown>>> {
  if (pod.configz === undefined) throw new Error('no address');
  const response = await fetch(pod.configz, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS), redirect: 'error' });
  const text = await response.text();
  if (!response.ok || text.length > ANSWER_MAX) throw new Error('not a configuration report');
  return documentsOf(JSON.parse(text));
}

function documentsOf(report: unknown): Readonly<Record<string, unknown>> {
  const documents = (report as { documents?: unknown } | null)?.documents ?? report;
  return typeof documents === 'object' && documents !== null ? (documents as Record<string, unknown>) : {};
}
