import { readFile } from 'node:fs/promises';
import type { ClassView, OtherInstallations } from '../core/model.ts';
import { parsePorts } from '../ports.ts';
import { defaultConfigSecret, type Settings } from '../settings.ts';
import { readUpstream } from '../class-upstream.ts';
import type { Installation } from '../installation.ts';

/** Of a range of thousands of ports, users are told these many. */
const PORTS_SHOWN = 4;

/** The relay classes of the settings, with the files that they name read. */
export async function readClasses(
  settings: Settings,
  { logKeyOf }: Pick<Installation, 'logKeyOf'>,
): Promise<ReadonlyMap<string, ClassView>> {
  const classes = new Map<string, ClassView>();
  for (const [name, settingsOfClass] of Object.entries(settings.classes)) {
    const { caFile } = settingsOfClass;
    const caCertificate = caFile === undefined ? undefined : await readFile(caFile, 'utf8');
    classes.set(name, {
      settings: settingsOfClass,
      upstream: await readUpstream(settingsOfClass.upstream),
      ports: settingsOfClass.ports ?? shown(settings.ports),
      implicitTlsPorts: shown(settings.implicitTlsPorts),
      logKey: logKeyOf(name),
      ...(caCertificate === undefined ? {} : { caCertificate }),
    });
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
