/** The relay pods of an installation, and who asks them. */
import { asRecord, textAt } from '../api/plain-data.ts';
import { bodyOf } from '../kubernetes/client/answers.ts';
import { pathOf, PODS, type KubeObject } from '../kubernetes/client/resources.ts';
import { CLASS_LABEL } from '../kubernetes/relays/relay-pods.ts';
import { explained, type Cluster } from './cluster-source.ts';
import { CommandError } from './source.ts';

export interface SeenPod {
  readonly name: string;
  readonly isRunning: boolean;
  readonly className: string;
  /** It has a volume. Pods of a class without a spool have none, and names that no Role can list. */
  readonly keepsMail: boolean;
}

const REVIEW = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

/** Throws where there are none, or they may not be seen. */
export async function podsOf(cluster: Cluster): Promise<readonly SeenPod[]> {
  const { client, installation } = cluster;
  const path = `${pathOf(PODS, { namespace: installation })}?labelSelector=${encodeURIComponent(CLASS_LABEL)}`;
  const answer = await explained(() => client.request<{ items: readonly KubeObject[] }>({ method: 'GET', path }));
  if (!answer.ok && answer.status === 403) {
    throw new CommandError(`you may not see the pods in the namespace ${installation}: ${answer.message}`);
  }
  const pods = bodyOf(answer, 'list of pods').items.map((pod) => ({
    name: pod.metadata.name,
    className: pod.metadata.labels?.[CLASS_LABEL] ?? '',
    keepsMail: pod.metadata.ownerReferences?.some(({ kind }) => kind === 'ReplicaSet') !== true,
    isRunning: textAt(asRecord(pod)['status'], 'phase') === 'Running',
  }));
  if (pods.length === 0) {
    throw new CommandError(
      `there is no relay pod in the namespace ${installation}; name that of SMTP+ with --installation`,
    );
  }
  return pods;
}

/** The name by which the API server knows us. */
export async function kubernetesUser({ client }: Cluster): Promise<string> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const answer = await explained(() => client.request({ method: 'POST', path: REVIEW, body }));
  return answer.ok ? (textAt(answer.body, 'status', 'userInfo', 'username') ?? 'unknown') : 'unknown';
}
