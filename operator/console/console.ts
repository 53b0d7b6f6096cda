/**
 * The console on an HTTP port: which page belongs to a path, and who gets to see it. It can only read: there is no way
 * to change anything here.
 */
import type { PageAnswer, PageRequest, PagesForPeople } from '../../relay/observe/http.ts';
import type { Facts, ShownObject } from './facts.ts';
import { missing, plainText, redirect, shown } from './answers.ts';
import { assetHeaders, PAGE_HEADERS } from './headers.ts';
import type { Page } from './layout.ts';
import { listPage, listsPage } from './lists.ts';
import { LIVE_SCRIPT } from './live.ts';
import { overviewPage } from './overview.ts';
import { BASE } from './parts.ts';
import { queuePage } from './queue.ts';
import { refusalsPage } from './refusals.ts';
import { relaysPage } from './relays.ts';
import { senderPage, sendersPage } from './senders.ts';
import { ICON, STYLE } from './style.ts';
import { userPage, usersPage } from './users.ts';

export interface ConsoleOptions {
  /** Says no to a request that must not be answered; before anything is looked up for it. */
  readonly admit: (request: PageRequest) => Promise<PageAnswer | undefined>;
  /** What whoever asks may see, of this namespace, or of all. */
  readonly factsFor: (request: PageRequest, namespace: string | undefined) => Promise<Facts>;
  /** Pages below `/console/mail`; absent where no mail is shown. */
  readonly mail?: ((request: PageRequest, path: string, facts: Facts) => Promise<PageAnswer | undefined>) | undefined;
}

const PAGES: Readonly<Record<string, (facts: Facts) => Page | undefined>> = {
  '/': overviewPage,
  '/users': usersPage,
  '/lists': listsPage,
  '/senders': sendersPage,
  '/refusals': refusalsPage,
  '/queue': queuePage,
  '/relays': relaysPage,
};

const ASSETS: Readonly<Record<string, readonly [contentType: string, body: string]>> = {
  '/style.css': ['text/css; charset=utf-8', STYLE],
  '/live.js': ['text/javascript; charset=utf-8', LIVE_SCRIPT],
  '/icon.svg': ['image/svg+xml', ICON],
};

export function createConsolePages({ admit, factsFor, mail }: ConsoleOptions): PagesForPeople {
  return async (request) => {
    const { method, path } = request;
    if (path !== BASE && !path.startsWith(`${BASE}/`)) return undefined;
    if (method !== 'GET' && method !== 'HEAD') {
      return { status: 405, headers: { ...PAGE_HEADERS, allow: 'GET, HEAD' }, body: '' };
    }
    const refusal = isFromElsewhere(request)
      ? plainText(403, 'This page cannot be used by other sites.')
      : await admit(request);
    if (refusal !== undefined) return refusal;
    if (path === BASE) return redirect(`${BASE}/`);
    const below = path.slice(BASE.length);
    const asset = ASSETS[below];
    if (asset !== undefined) return { status: 200, headers: assetHeaders(asset[0]), body: asset[1] };
    const at = objectOf(below);
    const facts = await factsFor(request, at?.namespace ?? (request.query.get('namespace') || undefined));
    if (below === '/mail' || below.startsWith('/mail/')) return (await mail?.(request, below, facts)) ?? missing(facts);
    const page = at === undefined ? PAGES[below]?.(facts) : at.page(facts);
    return page === undefined ? missing(facts) : shown(facts, page);
  };
}

/** A page of another site that embeds or fetches something here; links lead here all the same. */
function isFromElsewhere({ headers }: PageRequest): boolean {
  return headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-mode'] !== 'navigate';
}

interface ObjectAt {
  readonly namespace: string;
  readonly page: (facts: Facts) => Page | undefined;
}

/** `/users/NAMESPACE/NAME`, and so on. */
function objectOf(path: string): ObjectAt | undefined {
  const [, kind, namespace, name] = /^\/(users|lists|senders)\/([a-z0-9.-]+)\/([a-z0-9.-]+)$/.exec(path) ?? [];
  if (namespace === undefined || name === undefined) return undefined;
  const find = <Status>(
    objects: readonly ShownObject<Status>[],
    page: (object: ShownObject<Status>) => Page,
  ): Page | undefined => {
    const object = objects.find((one) => one.namespace === namespace && one.name === name);
    return object === undefined ? undefined : page(object);
  };
  const pages: Readonly<Record<string, ObjectAt['page']>> = {
    users: (facts) => find(facts.users, userPage),
    lists: (facts) => find(facts.lists, listPage),
    senders: (facts) => find(facts.senders, senderPage),
  };
  return { namespace, page: (facts) => pages[kind ?? '']?.(facts) };
}
