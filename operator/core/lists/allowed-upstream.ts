/**
 * What a relay class lets its lists name as a smart host: not everybody may connect to anything in the platform's
 * network.
 */
import { isAddress, isAllowedAddress } from '../../../relay/address-ranges.ts';
import type { ListSpec } from '../../api/list.ts';
import { formatPath, type Path } from '../../api/path.ts';
import type { ClassView } from '../model.ts';
import { named } from '../named.ts';

type Upstream = NonNullable<ListSpec['upstream']>;

interface Objection {
  readonly field: Path;
  readonly message: string;
}

/** A condition is read by people. */
const NAMED_MAX = 3;

/**
 * Of a name only how it reads can be judged here; the relay looks at each address that it leads to, before it connects
 * (relay/delivery/allowed-resolve.ts).
 */
export function objectionToHost(className: string, upstream: Upstream, view: ClassView): Objection | undefined {
  const { hosts } = view.settings.allowListUpstream;
  if (hosts.length === 0) {
    const message = `spec.upstream: lists of relay class ${className} have no upstream of their own; remove it, or ask the platform owner.`;
    return { field: ['spec', 'upstream'], message };
  }
  for (const { field, host } of hostsOf(upstream)) {
    if (!isAllowedHost(hosts, host)) {
      const message = `${formatPath(field)}: relay class ${className} does not let lists name ${host}. It allows ${named(hosts, NAMED_MAX)}; name one of these, or ask the platform owner for it (allowListUpstream.hosts).`;
      return { field, message };
    }
    if (isAddress(host) && !isAllowedAddress(host, view.listAddresses)) {
      const message = `${formatPath(field)}: relay class ${className} does not let lists connect to ${host}. Name another host, or ask the platform owner for this one (allowListUpstream.addresses).`;
      return { field, message };
    }
  }
  return undefined;
}

/** Where the list has its mail, and its secret, sent to. */
function hostsOf({ host, oauth2 }: Upstream): readonly { readonly field: Path; readonly host: string }[] {
  const smartHost = { field: ['spec', 'upstream', 'host'], host };
  if (oauth2 === undefined) return [smartHost];
  // a rule of the kind sees to it that it is a URL
  const { hostname = '' } = URL.parse(oauth2.tokenURL) ?? {};
  const tokens = { field: ['spec', 'upstream', 'oauth2', 'tokenURL'], host: hostname.replace(/^\[|\]$/g, '') };
  return [smartHost, tokens];
}

function isAllowedHost(hosts: readonly string[], host: string): boolean {
  // the dot keeps the search list away, and is no part of the name
  const name = host.replace(/\.$/, '').toLowerCase();
  return hosts.some((entry) => {
    if (entry.startsWith('*.')) return name.endsWith(entry.slice(1)) && name.length >= entry.length;
    return entry === '*' || entry === name;
  });
}
