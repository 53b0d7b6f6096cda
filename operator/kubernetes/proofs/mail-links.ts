/**
 * The links of mails, as every replica knows them, by a watch of the Secrets in which the leader keeps them. A replica
 * that gets a confirmation writes it as a note into the Secret that has the link; the leader, which alone changes what
 * is known, takes it up from there, in one write with what follows from it. So nothing that somebody has confirmed is
 * lost, whoever is killed when.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Links } from '../../page/verify-page.ts';
import { linksOf, viewLink, type MailLink } from '../../verify/mail-links.ts';
import type { SecretObject } from '../cache/views.ts';
import { bodyOf } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { startReflector } from '../client/reflector.ts';
import { pathOf, SECRETS } from '../client/resources.ts';
import { MAIL_EVIDENCE } from '../write/evidence-kinds.ts';
import { readEntries } from '../write/evidence-shard.ts';
import { FIELD_MANAGER } from '../write/secret.ts';

export interface MailLinks extends Links {
  readonly synced: Promise<void>;
  /** Confirmations that nobody has taken up yet. */
  readonly notes: () => readonly Note[];
}

interface Note {
  readonly secretName: string;
  /** Key in the Secret. */
  readonly name: string;
  readonly linkHash: string;
  /** `NAMESPACE/ADDRESS`; undefined: no mail has such a link (any more). */
  readonly key: string | undefined;
}

export interface MailLinksOptions {
  readonly namespace: string;
  /** There may be notes. */
  readonly onChange: () => void;
  readonly onTrouble: (message: string) => void;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

interface View {
  readonly links: ReadonlyMap<string, MailLink>;
  /** Hashes of links that were confirmed. */
  readonly confirmed: readonly string[];
}

const NOTE_PREFIX = 'confirmed.';
/** How long whoever has confirmed waits for the word that it is in force; a new leader takes longer. */
const PATIENCE_MS = 5000;
const POLL_MS = 50;

export function startMailLinks(client: KubeClient, options: MailLinksOptions): MailLinks {
  const { namespace, onTrouble, signal } = options;
  const { entries, synced } = startReflector<View>(client, {
    resource: SECRETS,
    namespace,
    labelSelector: MAIL_EVIDENCE.label,
    keep: viewOf,
    onChange: (_secret, _before, after) => {
      if ((after?.confirmed.length ?? 0) > 0) options.onChange();
    },
    onTrouble,
    signal,
  });

  function locate(hash: string): { readonly secretName: string; readonly link: MailLink } | undefined {
    for (const [secret, { value }] of entries) {
      const link = value.links.get(hash);
      if (link !== undefined) return { secretName: secret.slice(namespace.length + 1), link };
    }
    return undefined;
  }

  const find: Links['find'] = (hash) => {
    const link = locate(hash)?.link;
    return link && viewLink(link, options.now());
  };

  return {
    synced,
    find,
    confirm: async (hash) => {
      const place = locate(hash);
      if (place === undefined || find(hash) === undefined) return 'Unusable';
      await writeNote(client, { namespace, name: place.secretName }, hash);
      const end = performance.now() + PATIENCE_MS;
      while (performance.now() < end && !signal.aborted) {
        const state = find(hash)?.state;
        if (state === 'Used') return 'Confirmed';
        if (state === undefined) return 'Unusable';
        await sleep(POLL_MS);
      }
      return 'Received';
    },
    notes: () =>
      [...entries].flatMap(([secret, { value }]) =>
        value.confirmed.map((linkHash) => ({
          secretName: secret.slice(namespace.length + 1),
          name: `${NOTE_PREFIX}${linkHash}`,
          linkHash,
          key: value.links.get(linkHash)?.key,
        })),
      ),
  };
}

function viewOf(secret: SecretObject): View {
  const names = Object.keys(secret.data ?? {}).filter((name) => name.startsWith(NOTE_PREFIX));
  return {
    links: linksOf(readEntries(secret, MAIL_EVIDENCE.schema).entries),
    confirmed: names.map((name) => name.slice(NOTE_PREFIX.length)),
  };
}

/** One key of its own, whatever else changes in the Secret meanwhile; the same one, however often it is confirmed. */
async function writeNote(
  client: KubeClient,
  secret: { readonly namespace: string; readonly name: string },
  hash: string,
): Promise<void> {
  const answer = await client.request({
    method: 'PATCH',
    path: `${pathOf(SECRETS, secret)}?fieldManager=${FIELD_MANAGER}`,
    contentType: 'application/merge-patch+json',
    body: { data: { [`${NOTE_PREFIX}${hash}`]: '' } },
  });
  bodyOf(answer, `Secret ${secret.namespace}/${secret.name} cannot be written`);
}
