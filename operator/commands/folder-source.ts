/** What one process on a folder of manifests has written to its state folder. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { KindName } from '../api/kinds.ts';
import type { ObjectName } from '../api/names.ts';
import { asRecord, texts } from '../api/plain-data.ts';
import { isLocked } from '../directory/lock.ts';
import { secretPath, statusPath } from '../directory/state-files.ts';
import { inWords } from '../errors.ts';
import { decodeValues } from '../manifests/secrets.ts';
import { readBounded } from '../manifests/walk.ts';
import { shellQuote } from '../standalone/table.ts';
import { CommandError, type SeenObject, type Source } from './source.ts';

export async function openFolder(state: string): Promise<Source> {
  const folder = join(state, 'status');
  const name = `the state folder ${state}`;
  await stat(folder).catch((error: unknown) => {
    throw new CommandError(
      `${folder} cannot be read: ${inWords(error)}; name the state folder of the process with --state`,
    );
  });
  return {
    name,
    objects: async (kind, namespace) => {
      const places = await placesOf(join(folder, kind), namespace);
      const known: SeenObject[] = [];
      // one after the other: a thousand files are read in a moment, and never need a thousand descriptors
      for (const place of places) known.push(await readObject(folder, kind, place));
      return known;
    },
    object: async (kind, place) => {
      const isThere = await stat(join(folder, statusPath({ kind, meta: place }))).catch(() => undefined);
      return isThere && readObject(folder, kind, place);
    },
    secret: async (place) => {
      const path = join(state, 'secrets', secretPath(place));
      const file = await readBounded(path);
      if (!('problem' in file)) return valuesIn(path, file.text);
      if (file.code === 'ENOENT') return undefined;
      throw new CommandError(`${path} ${file.problem}; run this as the user whose process it is`);
    },
    rotate: async (user, wish) => (await import('./rotate-manifest.ts')).rotateInFolder(state, user, wish),
    warnings: async () => {
      if (await isLocked(state)) return [];
      return [
        `no process runs on ${state}: this is what the last one knew; start it with smtp-plus standalone FOLDER --state ${shellQuote(state)}`,
      ];
    },
    close: () => undefined,
  };
}

async function placesOf(folder: string, namespace: string | undefined): Promise<readonly ObjectName[]> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return files
    .filter((file) => file.isFile() && file.name.endsWith('.yaml'))
    .map(({ parentPath, name }) => ({ namespace: parentPath.split('/').at(-1) ?? '', name: name.slice(0, -5) }))
    .filter((place) => namespace === undefined || place.namespace === namespace)
    .sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
}

/** A file that the process is just replacing, or that somebody has changed, is told as what it is. */
async function readObject(folder: string, kind: KindName, place: ObjectName): Promise<SeenObject> {
  const path = join(folder, statusPath({ kind, meta: place }));
  const file = await readBounded(path);
  const object = { kind, ...place, status: {} };
  if ('problem' in file) return { ...object, unreadable: `${path} ${file.problem}` };
  try {
    const { metadata, status } = asRecord(parse(file.text));
    const { generation } = asRecord(metadata);
    return { ...object, ...(typeof generation === 'number' && { generation }), status: asRecord(status) };
  } catch {
    return { ...object, unreadable: `${path} is damaged; the process writes it anew when anything changes` };
  }
}

function valuesIn(path: string, text: string): Readonly<Record<string, string>> {
  try {
    return decodeValues(texts(asRecord(parse(text))['data']));
  } catch {
    // what a parser says of it would show some of it
    throw new CommandError(`${path} is damaged; delete it, and the process writes it anew with a new password`, 1);
  }
}
