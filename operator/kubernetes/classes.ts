import type { ClassView, OtherInstallations } from '../core/model.ts';
import { tokenHash } from '../../relay/observe/page-readers.ts';
import { parsePorts } from '../ports.ts';
import { defaultConfigSecret, type Settings } from '../settings/settings.ts';
import { PORTS_SHOWN, viewClass } from '../settings/class-view.ts';
import type { Installation } from '../installation.ts';

/** The relay classes of the settings, with the files that they name read. */
export async function readClasses(
  settings: Settings,
  { logKeyOf, counterKeyOf, pageToken }: Pick<Installation, 'logKeyOf' | 'counterKeyOf' | 'pageToken'>,
): Promise<ReadonlyMap<string, ClassView>> {
  const classes = new Map<string, ClassView>();
  for (const [name, settingsOfClass] of Object.entries(settings.classes)) {
    const server = {
      runsIn: 'cluster' as const,
      ports: shown(settings.ports),
      implicitTlsPorts: shown(settings.implicitTlsPorts),
    };
    const keys = {
      logKey: logKeyOf(name),
      counterKey: counterKeyOf(name),
      ...(settings.pageAccess === 'Token' && { pageTokenHash: tokenHash(pageToken(name)) }),
    };
    classes.set(name, await viewClass(settingsOfClass, server, keys));
  }
  return classes;
}

export function otherInstallationsOf({ classesElsewhere, reportsUnknownClasses }: Settings): OtherInstallations {
  return { classes: classesElsewhere, speaksForAll: reportsUnknownClasses };
}

/** Prefix of the names of the Secrets with the configuration of a class. */
export function configSecretPrefix(settings: Settings, className: string): string {
  return settings.classes[className]?.configSecret ?? defaultConfigSecret(className);
}

function shown(list: string): readonly number[] {
  const parsed = parsePorts(list);
  return 'problem' in parsed ? [] : parsed.ports.slice(0, PORTS_SHOWN);
}
