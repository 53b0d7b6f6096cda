/** The CustomResourceDefinitions as files: `smtp-plus crds` prints them, `npm run generate` writes them to crds/. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { makePrivateFolder } from './directory/write-file.ts';
import { GROUP } from './api/common.ts';
import { crdOf } from './api/crd.ts';
import { kindNames, kinds } from './api/kinds.ts';
import { inWords } from './errors.ts';

const HEADER = '# Generated from operator/api by `npm run generate`. Do not edit.\n';

/** Anybody may read them; the umask takes off the rest. */
const FOLDER_MODE = 0o777;

export interface CrdFile {
  /** `smtpplus.io_smtppluslists.yaml` */
  readonly name: string;
  readonly text: string;
}

/** The files of crds/. The same kinds always give the same bytes. */
export function renderCrds(): CrdFile[] {
  return kindNames.map((name) => ({
    name: `${GROUP}_${kinds[name].plural}.yaml`,
    // YAML 1.1, as kubectl's reader has it, or `yes` and `on` would come back as booleans
    text: HEADER + stringify(crdOf(kinds[name]), { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false }),
  }));
}

/** Writes the files into `folder`, made where it is missing. Resolves to their names; rejects with a sentence for people. */
export async function writeCrds(folder: string): Promise<string[]> {
  const files = renderCrds();
  try {
    await makePrivateFolder(folder, FOLDER_MODE);
    await Promise.all(files.map((file) => writeFile(join(folder, file.name), file.text)));
  } catch (error) {
    throw new Error(`no CRD can be written into ${folder}: ${inWords(error)}; name another folder`, { cause: error });
  }
  return files.map((file) => file.name);
}
