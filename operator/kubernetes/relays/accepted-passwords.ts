/**
 * What relays were told about passwords before this process started: read once, from the Secrets with their
 * configuration.
 */
import { collectAccepted } from '../../relays/accepted-passwords.ts';
import type { AcceptedPasswords } from '../../core/model.ts';
import type { Planner } from '../../core/planner-state.ts';
import { acceptedPasswords } from '../../core/relay-entries.ts';
import { CONFIG_LABEL } from '../cache/secret-cache.ts';
import type { SecretObject } from '../cache/views.ts';
import { bodyOf } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { listPagesOf } from '../client/pages.ts';
import { pathOf, SECRETS } from '../client/resources.ts';

/** Documents per page; each has up to 1 MiB. */
const PAGE = 4;

interface Page {
  readonly items: readonly SecretObject[];
  readonly metadata: { readonly continue?: string };
}

export interface Accepted {
  /** Reads what there is from before this process. */
  readonly read: () => Promise<void>;
  readonly of: (user: string) => AcceptedPasswords | undefined;
}

export interface AcceptedOptions {
  readonly namespace: string;
  /** Which knows, once it has planned everything. */
  readonly planner: () => Planner | undefined;
  readonly signal: AbortSignal;
}

export function createAccepted(client: KubeClient, { namespace, planner, signal }: AcceptedOptions): Accepted {
  let before = new Map<string, AcceptedPasswords>();

  async function readPage(next = ''): Promise<Page> {
    const query = new URLSearchParams({ labelSelector: CONFIG_LABEL, limit: String(PAGE), continue: next });
    const path = `${pathOf(SECRETS, { namespace })}?${query.toString()}`;
    return bodyOf(await client.request<Page>({ method: 'GET', path, signal }), 'list of the configuration of relays');
  }

  return {
    read: async () => {
      for await (const { items } of listPagesOf(readPage)) {
        for (const text of items.flatMap(({ data = {} }) => Object.values(data))) {
          collectAccepted(Buffer.from(text, 'base64').toString('utf8'), before);
        }
      }
    },
    of: (user) => {
      const current = planner();
      if (current === undefined) return before.get(user);
      if (before.size > 0) before = new Map();
      return acceptedPasswords(current.relays, user);
    },
  };
}
