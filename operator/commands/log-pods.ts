/** The logs of relay pods, through the API server. */
import { RefusedError } from '../kubernetes/client/answers.ts';
import { pathOf, PODS } from '../kubernetes/client/resources.ts';
import { explained, type Cluster } from './cluster-source.ts';
import type { LogSource } from './log-files.ts';
import type { SeenPod } from './relay-pods.ts';
import { CommandError } from './source.ts';

const SECOND_MS = 1000;

/** The logs of each relay pod, and of its container before the last restart, if there was one. */
export function logPods(
  { client, installation: namespace }: Cluster,
  pods: readonly SeenPod[],
  sinceMs: number,
): readonly LogSource[] {
  return pods.flatMap(({ name }) =>
    [true, false].map((previous) => {
      const query = new URLSearchParams({ container: 'relay', sinceSeconds: String(Math.ceil(sinceMs / SECOND_MS)) });
      if (previous) query.set('previous', 'true');
      const path = `${pathOf(PODS, { namespace, name })}/log?${query.toString()}`;
      return {
        name,
        lines: async function* () {
          try {
            yield* client.lines(path, { signal: new AbortController().signal });
          } catch (error) {
            // a container that was never started anew has no log of before
            if (previous && error instanceof RefusedError && error.status === 400) return;
            throw await explainedLog(name, error);
          }
        },
      };
    }),
  );
}

async function explainedLog(pod: string, error: unknown): Promise<CommandError> {
  const known = await explained(() => Promise.reject(error as Error)).catch((one: unknown) => one as CommandError);
  return new CommandError(`the log of pod ${pod} cannot be read: ${known.message}`, 2, { cause: error });
}
