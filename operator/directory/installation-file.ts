import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemReason } from '../errors.ts';
import { createInstallation, INSTALLATION_ID, newInstallationId, type Installation } from '../installation.ts';
import { listFiles } from './mirror.ts';
import { writeAtomically } from './write-file.ts';

/**
 * The installation that a state folder holds, made at first use. A damaged or lost id is never replaced while there are
 * Secrets: every owner and every verifier follows from it, so that all passwords would change. A person must decide.
 */
export async function openInstallation(
  folder: string,
): Promise<{ readonly installation: Installation } | { readonly problem: string }> {
  const path = join(folder, 'installation-id');
  const kept = (await readIfThere(path))?.trim();
  if (kept !== undefined && INSTALLATION_ID.test(kept)) return { installation: createInstallation(kept) };
  const hasSecrets = (await listFiles(join(folder, 'secrets'))).some((file) => file.endsWith('.yaml'));
  if (hasSecrets) {
    const fault = kept === undefined ? 'is missing' : 'is damaged';
    return { problem: `${path} ${fault}: restore it, or delete ${join(folder, 'secrets')} too, for new passwords` };
  }
  const id = newInstallationId();
  await writeAtomically(path, `${id}\n`);
  return { installation: createInstallation(id) };
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (systemReason(error) === 'ENOENT') return undefined;
    throw error;
  });
}
