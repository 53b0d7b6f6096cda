/**
 * What somebody may see: what the API server would show them for `kubectl get`, kind by kind and namespace by
 * namespace.
 */
import { GROUP } from '../../api/common.ts';
import type { KindName } from '../../api/kinds.ts';
import { inParallel } from '../../manifests/parallel.ts';
import { bodyOf } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { KIND_RESOURCES } from '../client/resources.ts';
import type { Identity } from './identity.ts';
import { createMemo } from './memo.ts';

interface Review {
  readonly status?: { readonly allowed?: boolean };
}

interface Attributes {
  /** Absent: in all. */
  readonly namespace?: string;
  readonly group: string;
  readonly resource: string;
}

export interface Access {
  /** Those of them that the viewer may list this kind in, of the first REVIEWED_NAMESPACES_MAX; `all`: the whole cluster. */
  readonly namespacesOf: (
    who: Identity,
    kind: KindName,
    among: readonly string[],
  ) => Promise<'all' | readonly string[]>;
  /** Relays are the platform's: whoever may list the pods of this namespace sees them. */
  readonly seesPods: (who: Identity, namespace: string) => Promise<boolean>;
}

const ACCESS_REVIEWS = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
/** How long a right that was taken away may still show things. */
const REMEMBERED_MS = 10_000;
/** In a page view: each costs the API server three reviews, which all viewers wait for. */
export const REVIEWED_NAMESPACES_MAX = 200;
/** Whoever looks must not push out what another one is about to ask for; some thirty views of all those namespaces. */
const ENTRIES_MAX = 30 * 3 * REVIEWED_NAMESPACES_MAX;

export function createAccess(client: KubeClient): Access {
  const known = createMemo<boolean>({ forMs: REMEMBERED_MS, entriesMax: ENTRIES_MAX });

  function mayList(who: Identity, attributes: Attributes): Promise<boolean> {
    return known.get(JSON.stringify([who, attributes]), async () => {
      const { username: user, uid, groups, extra } = who;
      const spec = { user, uid, groups, extra, resourceAttributes: { ...attributes, verb: 'list' } };
      const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
      const answer = await client.request<Review>({ method: 'POST', path: ACCESS_REVIEWS, body });
      return bodyOf(answer, 'a right cannot be reviewed').status?.allowed === true;
    });
  }

  return {
    namespacesOf: async (who, kind, among) => {
      const kindOf = { group: GROUP, resource: KIND_RESOURCES[kind].plural };
      if (await mayList(who, kindOf)) return 'all';
      const reviewed = among.slice(0, REVIEWED_NAMESPACES_MAX);
      const allowed = await inParallel(reviewed, (namespace) => mayList(who, { ...kindOf, namespace }));
      return reviewed.filter((_, index) => allowed[index]);
    },
    seesPods: (who, namespace) => mayList(who, { group: '', resource: 'pods', namespace }),
  };
}
