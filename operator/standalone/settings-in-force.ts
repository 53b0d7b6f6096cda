/** The settings file of one process, taken up as it changes. */
import type { Registry } from 'prom-client';
import type { Log } from '../../relay/observe/log.ts';
import { filesOfSettings } from '../settings/class-view.ts';
import { followSettings, type SettingsFollower } from '../settings/follow.ts';
import { createSettingsMetrics } from '../settings/metrics.ts';
import type { Settings } from '../settings/settings.ts';
import { keepBound } from './bound-settings.ts';
import { standaloneSettings, type StandaloneFlags } from './options.ts';

interface Options {
  /** Undefined: there is none. */
  readonly file: string | undefined;
  readonly flags: StandaloneFlags;
  readonly current: Settings;
  readonly take: (settings: Settings) => Promise<void>;
  readonly registry: Registry;
  readonly log: Log;
}

export function keepSettings({ file, flags, current, take, registry, log }: Options): SettingsFollower | undefined {
  if (file === undefined) return undefined;
  const metrics = createSettingsMetrics(registry);
  return followSettings({
    file,
    current,
    take,
    filesOf: filesOfSettings,
    load: async () => {
      const loaded = await standaloneSettings(flags);
      if (!loaded.ok) return loaded;
      const rebound = keepBound(current, loaded.settings);
      if (rebound.ok && rebound.waiting.length > 0) {
        log.warn(
          { event: 'settings' },
          `${rebound.waiting.join(', ')}: changed, and in force once the process is started anew`,
        );
      }
      return rebound;
    },
    onTaken: () => {
      metrics.onTaken();
      log.info({ event: 'settings' }, 'the settings file, or a file that it names, has changed, and is in force');
    },
    onRefused: (problems) => {
      metrics.onRefused();
      for (const problem of problems) log.error({ event: 'settings' }, `${problem}; the old settings stay in force`);
    },
  });
}
