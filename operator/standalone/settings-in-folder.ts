/** The settings file that a folder of manifests brings along. */
import { join } from 'node:path';
import { isMap, parseDocument } from 'yaml';
import { readBounded } from '../manifests/walk.ts';

const NAMES = ['settings.yaml', 'settings.yml'];

/** Path of the folder's settings file; undefined where there is none. One that cannot be read or is faulty counts as one. */
export async function settingsIn(folder: string): Promise<string | undefined> {
  for (const name of NAMES) {
    const file = join(folder, name);
    const read = await readBounded(file);
    const isThere = 'text' in read || (read.code !== 'ENOENT' && read.code !== 'ENOTDIR');
    if (isThere && !('text' in read && isManifest(read.text))) return file;
  }
  return undefined;
}

/** Somebody's ConfigMap may well be called settings. */
function isManifest(text: string): boolean {
  const { contents } = parseDocument(text, { logLevel: 'error' });
  return isMap(contents) && contents.has('apiVersion') && contents.has('kind');
}
