import { resolve } from 'node:path';
import { existingSender as existingSenderSchema } from '../settings/existing-senders.ts';
import type { Settings } from '../settings/settings.ts';
import { loadSettings } from '../settings/file.ts';
import type { SettingsResult } from '../settings/file.ts';
import type { WorkersSetting } from '../../relay/workers/setting.ts';
import { settingsIn } from './settings-in-folder.ts';

/** Flags of `smtp-plus standalone`. */
export interface StandaloneFlags {
  readonly folder?: string | undefined;
  /** False: none, not even the one in the folder. */
  readonly settings?: string | false;
  /** `NAMESPACE=SENDER` each. */
  readonly existingSender?: readonly string[];
  readonly state?: string;
  readonly host?: string;
  readonly ports?: string;
  readonly implicitTlsPorts?: string;
  readonly skipBusyPorts?: boolean;
  readonly workers?: WorkersSetting;
  readonly http?: number;
  readonly capture?: string;
  readonly json?: boolean;
  readonly strict?: boolean;
  readonly prune?: boolean;
}

export interface SettingsFiles {
  readonly used?: string;
  /** The one in the folder of manifests, where another is in use, or none. It is no manifest. */
  readonly bystander?: string;
}

type StandaloneSettings =
  | { readonly ok: true; readonly settings: Settings; readonly files: SettingsFiles }
  | Extract<SettingsResult, { ok: false }>;

/** The folder that `npm start` runs on. */
const EXAMPLES = 'examples';

/** Settings of flags, file and defaults, in this order. */
export async function standaloneSettings(flags: StandaloneFlags): Promise<StandaloneSettings> {
  const { settings: named, existingSender = [], json: _, prune: __, ...overrides } = flags;
  const used = named === false ? undefined : (named ?? (await settingsIn(flags.folder ?? EXAMPLES)));
  const loaded = await loadSettings(used, overrides);
  const result = loaded.ok ? withExistingSenders(loaded.settings, existingSender) : loaded;
  if (!result.ok) return result;
  const own = await settingsIn(result.settings.folder);
  const isUsed = own === undefined || (used !== undefined && resolve(own) === resolve(used));
  const files = { ...(used === undefined ? {} : { used }), ...(isUsed ? {} : { bystander: own }) };
  return { ...result, files };
}

/** What is vouched for on the command line counts besides what is in the file. */
function withExistingSenders(settings: Settings, entries: readonly string[]): SettingsResult {
  const { classes, relayClass } = settings;
  const settingsOfClass = classes[relayClass];
  const senders = entries.map((entry) => ({ entry, sender: existingSenderSchema.safeParse(splitEntry(entry)) }));
  const problems = senders
    .filter(({ sender }) => !sender.success)
    .map(
      ({ entry }) =>
        `--existing-sender ${entry}: must be NAMESPACE=DOMAIN or NAMESPACE=ADDRESS, as in shop=shop.example`,
    );
  if (problems.length > 0 || settingsOfClass === undefined) return { ok: false, problems };
  const added = senders.flatMap(({ sender }) => (sender.success ? [sender.data] : []));
  const existingSenders = [...settingsOfClass.existingSenders, ...added];
  return {
    ok: true,
    settings: { ...settings, classes: { ...classes, [relayClass]: { ...settingsOfClass, existingSenders } } },
  };
}

function splitEntry(entry: string): Readonly<Record<string, string>> {
  const at = entry.indexOf('=');
  return { [entry.slice(0, Math.max(at, 0))]: entry.slice(at + 1) };
}
