/** Who may read the console of a single process: whoever sits at this machine, unless the settings say otherwise. */
import { isIP } from 'node:net';
import type { PageAnswer, PageRequest, PagesForPeople } from '../../relay/observe/http.ts';
import { urlHost } from '../api/names.ts';
import { plainText, redirect } from '../console/answers.ts';
import { BASE } from '../console/parts.ts';
import type { Plan } from '../core/model.ts';
import type { Settings } from '../settings/settings.ts';
import type { RelayToShow } from './console-facts.ts';

export interface ConsoleHere {
  /** Those in force. */
  readonly settings: () => Settings;
  /** The latest that is carried out; undefined: none yet. */
  readonly plan: () => Plan | undefined;
  readonly relay: RelayToShow;
}

export function consoleHere(options: ConsoleHere): PagesForPeople {
  const { settings } = options;
  const admit = async (request: PageRequest) => refusalOf(request, settings());
  // what reads and shows mail is not loaded before somebody looks
  let pages: Promise<PagesForPeople> | undefined;
  const load = async () => (await import('./console-pages.ts')).consolePages({ ...options, admit });
  return async (request) => {
    if (!isServed(settings())) return undefined;
    const { method, path } = request;
    // whoever types in the port alone is led here
    if (path === '/' && method === 'GET') return refusalOf(request, settings()) ?? redirect(`${BASE}/`);
    if (!path.startsWith(BASE)) return undefined;
    pages ??= load();
    return (await pages)(request);
  };
}

/** Where it is bound to all addresses, or to one that others reach, the settings have to ask for it. */
export function isServed({ host, console: { enabled } }: Pick<Settings, 'host' | 'console'>): boolean {
  return enabled ?? isLoopback(host);
}

export function consoleUrl({ host }: Pick<Settings, 'host'>, port: number): string {
  return `http://${urlHost(isWildcard(host) ? 'localhost' : host)}:${port}${BASE}/`;
}

/** A web site can lead its own name to this machine, and would then be the same site as the console (DNS rebinding). */
function refusalOf({ headers }: PageRequest, { host, console: { hosts } }: Settings): PageAnswer | undefined {
  const asked = hostnameOf(headers.host ?? '');
  const isKnown = isLoopback(asked) || (asked === host && !isWildcard(host)) || hosts.includes(asked);
  return isKnown ? undefined : plainText(403, WRONG_NAME);
}

const WRONG_NAME =
  'This page is not served under the name in its address. Use localhost, or add the name to console.hosts in the settings.';

function hostnameOf(header: string): string {
  const url = URL.canParse(`http://${header}`) ? new URL(`http://${header}`) : undefined;
  return url?.hostname.replace(/^\[(.*)\]$/, '$1') ?? '';
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
