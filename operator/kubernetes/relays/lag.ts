/** Why an entry of the relays' configuration is not in force yet, for the status of its object. */
import { fileOfEntry } from '../../core/fit.ts';
import { compareText } from '../../core/time.ts';
import type { DocumentVersions } from './document-versions.ts';
import type { PodAnswer } from './pod-answers.ts';

const NAMED_MAX = 3;
export const BEING_WRITTEN = 'The configuration is being written.';

/** Which pods do not run an entry yet. */
export function lagOf(entry: string, versions: DocumentVersions, answers: readonly PodAnswer[]): string {
  if (versions.isDirty()) return BEING_WRITTEN;
  const lagging = answers.flatMap(({ pod, documents, trouble }) => {
    if (documents === undefined)
      return [
        `pod ${pod} did not say which configuration it runs (${trouble}); look at its log (kubectl logs), and whether a NetworkPolicy lets the operator reach its port for HTTP`,
      ];
    return versions.runs(documents[fileOfEntry(entry)], entry) ? [] : [`pod ${pod} still runs an older configuration`];
  });
  if (lagging.length === 0) return 'The relays are being asked which configuration they run.';
  const rest = lagging.length > NAMED_MAX ? `; and ${lagging.length - NAMED_MAX} more` : '';
  return `${lagging.sort(compareText).slice(0, NAMED_MAX).join('; ')}${rest}`;
}
