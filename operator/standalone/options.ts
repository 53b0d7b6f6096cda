import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadSettings } from '../settings-file.ts';
import type { SettingsResult } from '../settings-file.ts';

/** Flags of `smtp-plus standalone`. */
export interface StandaloneFlags {
  readonly folder?: string | undefined;
  readonly settings?: string;
  readonly state?: string;
  readonly host?: string;
  readonly ports?: string;
  readonly implicitTlsPorts?: string;
  readonly skipBusyPorts?: boolean;
  readonly http?: number;
  readonly capture?: string;
  readonly json?: boolean;
  readonly strict?: boolean;
}

export type StandaloneSettings = SettingsResult & { readonly file: string | undefined };

/** The folder that `npm start` runs on. It alone brings its own settings: nobody but its platform owner writes there. */
const EXAMPLES = 'examples';

/** Settings of flags, file and defaults, in this order. */
export async function standaloneSettings(flags: StandaloneFlags): Promise<StandaloneSettings> {
  const { settings: named, json: _, ...overrides } = flags;
  const file = named ?? examplesSettings(flags.folder ?? EXAMPLES);
  return { ...(await loadSettings(file, overrides)), file };
}

function examplesSettings(folder: string): string | undefined {
  const file = join(EXAMPLES, 'settings.yaml');
  return resolve(folder) === resolve(EXAMPLES) && existsSync(file) ? file : undefined;
}
