/**
 * The settings that manifests are checked against, and what is wrong with them: the same faults at which `npm start`
 * would refuse to start.
 */
import { stat } from 'node:fs/promises';
import { readSettings } from '../settings/file.ts';
import type { Settings } from '../settings/settings.ts';
import { settingsIn } from '../standalone/settings-in-folder.ts';
import type { Finding } from './finding.ts';
import { STDIN } from './input.ts';

export interface CheckedSettings {
  readonly settings: Settings | undefined;
  /** Settings files, which are no manifests. */
  readonly files: readonly string[];
  readonly findings: Finding[];
}

/** @param named false: none, not even the one in the folder. */
export async function checkSettings(
  paths: readonly string[],
  named: string | false | undefined,
): Promise<CheckedSettings> {
  const found = (await Promise.all(paths.map(settingsOf))).flat();
  // among several folders, none is the one that a process would run on
  const own = paths.length === 1 ? found[0] : undefined;
  const file = named === false ? undefined : (named ?? own);
  if (file === undefined) return { settings: undefined, files: found, findings: [] };
  const files = [...found, file];
  const result = await readSettings(file);
  if (result.ok) return { settings: result.settings, files, findings: [] };
  const findings = result.problems.map(({ source = { file, line: 1, column: 1 }, message }): Finding => {
    return { severity: 'error', rule: 'settings', source, message: `${message}${/[.?!]$/.test(message) ? '' : '.'}` };
  });
  return { settings: undefined, files, findings };
}

async function settingsOf(path: string): Promise<string[]> {
  if (path === STDIN || !(await stat(path)).isDirectory()) return [];
  const file = await settingsIn(path);
  return file === undefined ? [] : [file];
}
