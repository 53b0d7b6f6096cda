/**
 * Makes entries fit a shard. A shard is one Secret, which holds 1 MiB, with the entries of many tenants: if they come
 * to more, the namespace that takes most loses some of its own, so that no tenant can keep out the changes of others.
 */
import { fileOf, type ShardDocument } from '../../relay/config/config.ts';
import { compareText } from './time.ts';

export interface Fitting {
  readonly document: ShardDocument;
  /** Keys of the entries that were left out; of signing keys see `signerEntry`. */
  readonly leftOut: readonly string[];
}

/** Signing keys of a VerifiedSender: a list may have its key. */
export function signerEntry(sender: string): string {
  return `${SIGNER}${sender}`;
}

/** Whose signing keys they are; undefined: it is another entry. */
export function signerOf(entry: string): string | undefined {
  return entry.startsWith(SIGNER) ? entry.slice(SIGNER.length) : undefined;
}

/** The file of the relays' configuration that an entry is in. */
export function fileOfEntry(entry: string): string {
  return fileOf(signerOf(entry) ?? entry);
}

/** A user name has no blank in it, nor has the key of a list. */
const SIGNER = 'keys of ';

/** Just below what the API server takes (validation of Secrets, `MaxSecretSize`). */
export const DOCUMENT_BYTES_MAX = 1_000_000;

interface Entry {
  readonly section: 'lists' | 'users' | 'unusable' | 'namespaces' | 'dkim';
  readonly key: string;
  readonly namespace: string;
  readonly size: number;
}

export function fit(document: ShardDocument, sizeOf: (text: string) => number): Fitting {
  let size = sizeOf(JSON.stringify(document));
  if (size <= DOCUMENT_BYTES_MAX) return { document, leftOut: [] };
  const tenants = byTenant(document, sizeOf);
  const leftOut: Entry[] = [];
  while (size > DOCUMENT_BYTES_MAX) {
    const greediest = tenants.reduce((most, one) => (one.size > most.size ? one : most));
    const largest = greediest.entries.pop();
    if (largest === undefined) break;
    greediest.size -= largest.size;
    size -= largest.size;
    leftOut.push(largest);
  }
  return {
    document: without(document, leftOut),
    leftOut: leftOut.map(({ section, key }) => (section === 'dkim' ? signerEntry(key) : key)),
  };
}

/** What each namespace has in the document, its entries by size, in a fixed order. */
function byTenant(document: ShardDocument, sizeOf: (text: string) => number) {
  const entries: Entry[] = [
    ...Object.keys(document.lists).map((key) => ['lists', key, key.split('/')[0] ?? ''] as const),
    ...Object.entries(document.users).map(([key, { namespace }]) => ['users', key, namespace] as const),
    ...Object.entries(document.unusable).map(([key, { namespace }]) => ['unusable', key, namespace] as const),
    ...Object.keys(document.namespaces).map((key) => ['namespaces', key, key] as const),
    ...Object.keys(document.dkim).map((key) => ['dkim', key, key.split('/')[0] ?? ''] as const),
  ].map(([section, key, namespace]) => {
    const size = sizeOf(JSON.stringify({ [key]: document[section][key] }));
    return { section, key, namespace, size };
  });
  const tenants = new Map<string, { size: number; entries: Entry[] }>();
  for (const entry of entries.sort((a, b) => a.size - b.size || compareText(a.key, b.key))) {
    const tenant = tenants.get(entry.namespace) ?? { size: 0, entries: [] };
    tenant.size += entry.size;
    tenant.entries.push(entry);
    tenants.set(entry.namespace, tenant);
  }
  return [...tenants.values()];
}

function without(document: ShardDocument, entries: readonly Entry[]): ShardDocument {
  const kept = <Value>(section: Entry['section'], from: Readonly<Record<string, Value>>): Record<string, Value> => {
    const gone = new Set(entries.filter((entry) => entry.section === section).map(({ key }) => key));
    return Object.fromEntries(Object.entries(from).filter(([key]) => !gone.has(key)));
  };
  const { version, lists, users, unusable, namespaces, dkim } = document;
  return {
    version,
    lists: kept('lists', lists),
    users: kept('users', users),
    unusable: kept('unusable', unusable),
    namespaces: kept('namespaces', namespaces),
    dkim: kept('dkim', dkim),
  };
}
