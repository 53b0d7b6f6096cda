import type { ClassView } from '../../operator/core/model.ts';
import type { ClassSettings } from '../../operator/settings/settings.ts';

/** A class of these settings, for tests that are about something else: it keeps mail on the machine. */
export function aClassView(settings: ClassSettings, ports: readonly number[] = [587]): ClassView {
  return {
    settings,
    upstream: { kind: 'capture' },
    listAddresses: { allow: ['Public'], except: [] },
    ports,
    implicitTlsPorts: [],
  };
}
