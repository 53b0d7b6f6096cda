/**
 * Reads configuration documents. An entry that cannot be used is left out and reported: it must neither hold up what
 * has changed about all the others, nor keep a relay that is starting from having any configuration at all.
 */
import { z } from 'zod';
import { classDocumentSchema, shardDocumentSchema, type ClassDocument, type ShardDocument } from './config.ts';

export interface ReadDocument<Document> {
  /** Absent where nothing of it can be used. */
  readonly document?: Document;
  /** Paths and what is wrong there, never a value: values here are secrets. */
  readonly problems: readonly string[];
}

export function readClassDocument(bytes: Buffer): ReadDocument<ClassDocument> {
  const result = classDocumentSchema.safeParse(parseJson(bytes));
  return result.success ? { document: result.data, problems: [] } : { problems: problemsOf(result.error) };
}

const { version, lists, users, unusable, namespaces, dkim } = shardDocumentSchema.shape;
const section = z.record(z.string(), z.unknown());
const outline = z.object({
  version,
  lists: section,
  users: section,
  unusable: section.default({}),
  namespaces: section,
  dkim: section.default({}),
});

export function readShardDocument(bytes: Buffer): ReadDocument<ShardDocument> {
  const result = outline.safeParse(parseJson(bytes));
  if (!result.success) return { problems: problemsOf(result.error) };
  const found = result.data;
  const problems: string[] = [];
  const document = {
    version: found.version,
    lists: usable('lists', lists, found.lists, problems),
    users: usable('users', users, found.users, problems),
    unusable: usable('unusable', unusable.unwrap(), found.unusable, problems),
    namespaces: usable('namespaces', namespaces, found.namespaces, problems),
    dkim: usable('dkim', dkim.unwrap(), found.dkim, problems),
  };
  return { document, problems };
}

function usable<Entry>(
  name: string,
  schema: z.ZodType<Record<string, Entry>>,
  entries: Readonly<Record<string, unknown>>,
  problems: string[],
): Record<string, Entry> {
  const good = Object.entries(entries).flatMap(([key, entry]) => {
    const result = schema.safeParse({ [key]: entry });
    if (result.success) return Object.entries(result.data);
    problems.push(...problemsOf(result.error).map((problem) => `${name}.${problem}`));
    return [];
  });
  return Object.fromEntries(good);
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** A path holds keys, of any length. */
const PATH_MAX = 200;

function problemsOf({ issues }: z.ZodError): string[] {
  return issues.map(({ path, code }) =>
    path.length === 0 ? 'not a JSON object' : `${path.join('.').slice(0, PATH_MAX)}: ${code}`,
  );
}
