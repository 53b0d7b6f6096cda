/** The CustomResourceDefinitions as files: `smtp-plus crds` prints them, `npm run generate` writes them to crds/. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { GROUP } from './api/common.ts';
import { crdOf } from './api/crd.ts';
import { kindNames, kinds } from './api/kinds.ts';

const HEADER = '# Generated from operator/api by `npm run generate`. Do not edit.\n';

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

/** Writes the files into `folder`, made where it is missing. Resolves to their names. */
export async function writeCrds(folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files = renderCrds();
  await Promise.all(files.map((file) => writeFile(join(folder, file.name), file.text)));
  return files.map((file) => file.name);
}
