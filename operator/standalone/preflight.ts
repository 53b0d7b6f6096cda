/** What can be known to go wrong before anything is opened, and what to do about it. */
import { mkdtemp, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inWords } from '../errors.ts';
import { listManifestFiles } from '../manifests/walk.ts';
import { makePrivateFolder } from '../directory/write-file.ts';
import { openFilesTrouble } from './open-files.ts';

export interface Plans {
  /** Absent where there are no manifests to read. */
  readonly manifests?: string;
  readonly state: string;
  /** Absent where nothing need be written there. */
  readonly capture: string | undefined;
  /** How many ports are to be opened. */
  readonly ports: number;
}

/** The first thing that is in the way. Makes the folders that are to be written to. */
export async function troubleAhead({ manifests, state, capture, ports }: Plans): Promise<string | undefined> {
  return (
    openFilesTrouble(ports) ??
    (manifests === undefined ? undefined : await manifestsTrouble(manifests)) ??
    (await writingTrouble(state, 'state', '--state')) ??
    // otherwise each message would be taken, and wait in the spool for a folder that cannot be written
    (capture === undefined ? undefined : await writingTrouble(capture, 'capture', '--capture'))
  );
}

async function manifestsTrouble(folder: string): Promise<string | undefined> {
  try {
    await listManifestFiles(folder);
    return undefined;
  } catch (error) {
    return `the folder of manifests ${folder} cannot be read: ${inWords(error)}; name another: smtp-plus standalone DIR`;
  }
}

/** Why nothing can be written into a folder, which is made where it is not there. */
async function writingTrouble(folder: string, what: string, flag: string): Promise<string | undefined> {
  try {
    await makePrivateFolder(folder);
    // permissions alone do not tell: a file system may be read-only, or none for files
    await rmdir(await mkdtemp(join(folder, '.smtp-plus-')));
    return undefined;
  } catch (error) {
    return `the ${what} folder ${folder} cannot be written: ${inWords(error)}; mend that, or name another: ${flag} DIR`;
  }
}
