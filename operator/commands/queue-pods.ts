/** The queues of relay pods: `queue ask` in each of them, through the API server, which also decides who may. */
import type { AdminRequest } from '../../relay/admin/protocol.ts';
import { messageOf } from '../errors.ts';
import { execInPod, execPath } from '../kubernetes/client/exec.ts';
import type { Cluster } from './cluster-source.ts';
import { answerSchema, merge, type QueueAnswer, type QueueDoor } from './queue-door.ts';
import { kubernetesUser, podsOf, type SeenPod } from './relay-pods.ts';
import { CommandError } from './source.ts';

/** As the image and the chart have them. */
const PROGRAM = ['/usr/bin/node', '/app/dist/cli.js', 'queue'];
const STATE = ['--state', '/var/spool/smtp-plus'];
const CONTAINER = 'relay';
/** They are words of a URL. */
const IDS_MAX = 100;

export function openPods(cluster: Cluster): QueueDoor {
  return {
    who: () => kubernetesUser(cluster),
    ask: async (request) => {
      const answers: QueueAnswer[] = [];
      const pods = await podsWithQueue(cluster);
      for (const part of inParts(request)) {
        answers.push(...(await Promise.all(pods.map((pod) => askPod(cluster, pod, part)))));
      }
      const whole = merge(answers);
      return { ...whole, silent: [...new Set(whole.silent)] };
    },
    content: async (request) => {
      for (const { name, isRunning } of await podsWithQueue(cluster)) {
        if (!isRunning) continue;
        const { stdout } = await run(cluster, name, ['content', JSON.stringify(request)]);
        const chunks = stdout
          .toString()
          .split('\n')
          .map((line) => Buffer.from(line, 'base64'));
        if (stdout.length > 0) return Buffer.concat(chunks);
      }
      return undefined;
    },
    close: cluster.close,
  };
}

async function podsWithQueue(cluster: Cluster): Promise<readonly SeenPod[]> {
  return (await podsOf(cluster)).filter(({ keepsMail }) => keepsMail);
}

function inParts(request: AdminRequest): readonly AdminRequest[] {
  const { ids } = request.select;
  if (ids === undefined || ids.length <= IDS_MAX) return [request];
  return Array.from({ length: Math.ceil(ids.length / IDS_MAX) }, (_, part) => {
    const some = ids.slice(part * IDS_MAX, (part + 1) * IDS_MAX);
    return { ...request, select: { ...request.select, ids: some } };
  });
}

async function askPod(cluster: Cluster, { name, isRunning }: SeenPod, request: AdminRequest): Promise<QueueAnswer> {
  const nothing = { messages: [], matched: 0, outcomes: {} };
  if (!isRunning) return { ...nothing, silent: [`pod ${name} is not running`] };
  const { stdout } = await run(cluster, name, ['ask', JSON.stringify(request)]);
  const { messages, ...rest } = answerSchema.parse(JSON.parse(stdout.toString()));
  return { ...rest, messages: messages.map((message) => Object.assign(message, { pod: name })) };
}

async function run(cluster: Cluster, pod: string, words: readonly string[]): Promise<{ readonly stdout: Buffer }> {
  const request = {
    namespace: cluster.installation,
    pod,
    container: CONTAINER,
    command: [...PROGRAM, ...words, ...STATE],
  };
  const result = await execInPod(await cluster.credentials(false), request).catch(async (error: unknown) => {
    throw new CommandError(`pod ${pod}: ${await whyRefused(cluster, request, messageOf(error))}`, 2, { cause: error });
  });
  if (result.code === 0) return result;
  const said = result.stderr.trim().replace(/^error: /, '') || result.message;
  throw new CommandError(`pod ${pod}: ${said}`, result.code === 1 ? 1 : 2);
}

/** A WebSocket that is refused says only that it was; a plain request for the same is told why. */
async function whyRefused(
  { client, installation }: Cluster,
  request: Parameters<typeof execPath>[0],
  otherwise: string,
): Promise<string> {
  const answer = await client.request({ method: 'GET', path: execPath(request), attempts: 1 }).catch(() => undefined);
  if (answer === undefined || answer.ok) return otherwise;
  if (answer.status === 403) {
    return `you may not run commands in it: ${answer.message}; that takes get and create on pods/exec in ${installation}`;
  }
  return answer.status === 400 ? otherwise : answer.message;
}
