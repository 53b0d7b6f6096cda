/** One of the Secrets with evidence about senders. */
import { hash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import type { SecretObject } from '../cache/views.ts';
import { bodyOf } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { pathOf, SECRETS } from '../client/resources.ts';
import type { EvidenceKind } from './evidence-kinds.ts';
import { FIELD_MANAGER } from './secret.ts';

export interface EvidenceShard<Entry> {
  readonly name: string;
  readonly entries: Map<string, Entry>;
  /** Those of them that the Secret has. */
  kept: ReadonlyMap<string, Entry>;
  /** Notes that go with the next write: what they say is in the entries by then. */
  readonly taken: Set<string>;
  /** Version of the Secret as it was last read or written; undefined: there was none. */
  resourceVersion: string | undefined;
  /** Digests of what we wrote or read last and before that, and of what is being written. */
  digests: readonly string[];
}

export interface ShardPlace<Entry> {
  readonly kind: EvidenceKind<Entry>;
  readonly client: KubeClient;
  /** The operator's own namespace. */
  readonly namespace: string;
  readonly onTrouble: (message: string) => void;
}

const KEY = 'evidence.json.gz';
/** Size of one Secret once unpacked: whatever somebody else has put there must not fill the memory. */
const UNPACKED_MAX = 64 * 1024 * 1024;

/** Events may come before the answers to their writes, and after those to the next. */
const DIGESTS_MAX = 3;

const contents = z.record(z.string(), z.unknown());

/** What is damaged is told, and as good as lost. */
export async function loadShard<Entry>(place: ShardPlace<Entry>, index: number): Promise<EvidenceShard<Entry>> {
  const { prefix, schema, onLoss } = place.kind;
  const name = `${prefix}-${String(index).padStart(2, '0')}`;
  const secret = await read(place, name);
  const { entries, isDamaged } = readEntries(secret, schema);
  if (isDamaged) {
    place.onTrouble(`Secret ${place.namespace}/${name} is damaged; ${onLoss}`);
  }
  const resourceVersion = secret?.metadata.resourceVersion;
  const digests = secret === undefined ? [] : [digestIn(secret)];
  return { name, entries, kept: new Map(entries), taken: new Set(), resourceVersion, digests };
}

/** Digest of the evidence in a Secret. */
export function digestIn({ data }: SecretObject): string {
  return hash('sha256', data?.[KEY] ?? '');
}

/** What is damaged is left out. */
export function readEntries<Entry>(secret: SecretObject | undefined, schema: z.ZodType<Entry>) {
  const entries = new Map<string, Entry>();
  const text = secret?.data?.[KEY];
  const values = text === undefined ? {} : unpack(text);
  let isDamaged = values === undefined;
  for (const [key, value] of Object.entries(values ?? {})) {
    const { data } = schema.safeParse(value);
    if (data === undefined) isDamaged = true;
    else entries.set(key, data);
  }
  return { entries, isDamaged };
}

/** By a list: the operator may read no Secret of its namespace by name but that of the installation. */
async function read<Entry>(
  { client, namespace, kind: { label } }: ShardPlace<Entry>,
  name: string,
): Promise<SecretObject | undefined> {
  const query = new URLSearchParams({ fieldSelector: `metadata.name=${name}` });
  const path = `${pathOf(SECRETS, { namespace })}?${query.toString()}`;
  const answer = await client.request<{ readonly items: readonly SecretObject[] }>({ method: 'GET', path });
  const [secret] = bodyOf(answer, `read of Secret ${namespace}/${name}`).items;
  if (secret !== undefined && secret.metadata.labels?.[label] === undefined) {
    throw new Error(`Secret ${namespace}/${name} has no label ${label}: it is not ours; rename or delete it`);
  }
  return secret;
}

/** Writes the version that is known, and where somebody has changed or deleted that meanwhile, what is there by now. */
export async function writeShard<Entry>(place: ShardPlace<Entry>, shard: EvidenceShard<Entry>): Promise<void> {
  const taken = [...shard.taken];
  let entries = new Map(shard.entries);
  let answer = await tryToWrite(place, shard);
  if (!answer.ok && [404, 409].includes(answer.status)) {
    shard.resourceVersion = (await read(place, shard.name))?.metadata.resourceVersion;
    entries = new Map(shard.entries);
    answer = await tryToWrite(place, shard);
  }
  shard.resourceVersion = bodyOf(answer, `write of Secret ${place.namespace}/${shard.name}`).metadata.resourceVersion;
  shard.kept = entries;
  for (const note of taken) shard.taken.delete(note);
}

function tryToWrite<Entry>({ client, namespace, kind: { label } }: ShardPlace<Entry>, shard: EvidenceShard<Entry>) {
  const { name, resourceVersion, entries, taken } = shard;
  const labels = { [label]: '' };
  const data = { [KEY]: pack(entries) };
  shard.digests = [hash('sha256', data[KEY] ?? ''), ...shard.digests].slice(0, DIGESTS_MAX);
  const options = `?fieldManager=${FIELD_MANAGER}`;
  const metadata = { namespace, name, labels };
  return client.request<SecretObject>(
    resourceVersion === undefined
      ? {
          method: 'POST',
          path: `${pathOf(SECRETS, { namespace })}${options}`,
          body: { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data },
        }
      : {
          method: 'PATCH',
          path: `${pathOf(SECRETS, { namespace, name })}${options}`,
          contentType: 'application/merge-patch+json',
          body: { metadata: { resourceVersion, labels }, data: { ...data, ...nothingOf(taken) } },
        },
  );
}

/** A merge patch deletes what is null. */
function nothingOf(keys: ReadonlySet<string>): Readonly<Record<string, null>> {
  return Object.fromEntries([...keys].map((key) => [key, null]));
}

function pack(entries: ReadonlyMap<string, unknown>): string {
  return gzipSync(JSON.stringify(Object.fromEntries(entries))).toString('base64');
}

function unpack(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json = gunzipSync(Buffer.from(text, 'base64'), { maxOutputLength: UNPACKED_MAX }).toString();
    return contents.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}
