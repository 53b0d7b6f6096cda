/** What every page has: a head, links to the other pages, and a mark of where one is. */
import { html, renderPage, type Html } from '../page/html.ts';
import type { Facts } from './facts.ts';
import { BASE, CURRENT, link } from './parts.ts';

export interface Page {
  readonly title: string;
  readonly content: Html;
  /** Its part of the navigation. */
  readonly part: PartName;
  /** Whether a script takes what is new into the page, as long as it is open. */
  readonly isLive?: boolean;
  /** Said by screen readers when it changes while the page is open. */
  readonly news?: string;
}

const PARTS = {
  overview: 'Overview',
  users: 'Users',
  lists: 'Lists',
  senders: 'Senders',
  refusals: 'Refusals',
  queue: 'Queue',
  relays: 'Relays',
  mail: 'Mail',
} as const;

type PartName = keyof typeof PARTS;

export function layout(facts: Facts, { title, content, part, isLive = false, news }: Page): string {
  return renderPage(html`
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <meta name="color-scheme" content="light dark" />
        <title>${`${title} · SMTP+`}</title>
        <link rel="icon" href="${`${BASE}/icon.svg`}" type="image/svg+xml" />
        <link rel="stylesheet" href="${`${BASE}/style.css`}" />
        ${isLive && html`<script src="${`${BASE}/live.js`}" defer></script>`}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <span class="brand">SMTP+</span>
          <nav aria-label="Pages">
            <ul>
              ${partsOf(facts).map((name) => html`<li>${navLink(name, part, facts)}</li>`)}
            </ul>
          </nav>
          ${facts.viewer !== undefined && html`<span class="viewer">${facts.viewer}</span>`}
        </header>
        <main id="main" tabindex="-1" ${news !== undefined && html` data-news="${news}"`}>
          <h1>${title}</h1>
          ${content}
        </main>
        <footer>SMTP+ ${facts.version}. This page only shows; nothing is changed here.</footer>
        ${isLive && html`<p id="news" class="unseen" role="status"></p>`}
      </body>
    </html>
  `);
}

function partsOf({ relays, showsMail }: Facts): readonly PartName[] {
  const isShown = (name: PartName): boolean =>
    name === 'relays' ? relays !== undefined : name === 'mail' ? showsMail : true;
  return (Object.keys(PARTS) as PartName[]).filter(isShown);
}

function navLink(name: PartName, current: PartName, { namespace }: Facts): Html {
  const path = name === 'overview' ? '/' : `/${name}`;
  const query = namespace === undefined || name === 'mail' ? '' : `?namespace=${encodeURIComponent(namespace)}`;
  const isCurrent = name === current && CURRENT;
  return html`<a href="${`${BASE}${path}${query}`}" ${isCurrent}>${PARTS[name]}</a>`;
}

const SELECTED = html` selected`;

/** A choice of namespaces, where there is one. */
export function namespaceForm({ namespaces, namespace, isCut, areNamespacesCut }: Facts, path: string): Html {
  if (areNamespacesCut === true) {
    return html`
      <form class="filter" method="get" action="${`${BASE}${path}`}">
        <label for="namespace">Namespace</label>
        <input id="namespace" name="namespace" required />
        <button type="submit">Show</button>
        <span>There are more namespaces than can be looked into at once; choose a namespace to see all of it.</span>
      </form>
    `;
  }
  if (namespaces.length < 2 && namespace === undefined) return undefined;
  return html`
    <form class="filter" method="get" action="${`${BASE}${path}`}">
      <label for="namespace">Namespace</label>
      <select id="namespace" name="namespace">
        <option value="">all</option>
        ${namespaces.map((name) => html`<option value="${name}" ${name === namespace && SELECTED}>${name}</option>`)}
      </select>
      <button type="submit">Show</button>
      ${isCut && html`<span>There are more than fit on this page; choose a namespace to see all of it.</span>`}
    </form>
  `;
}

export function missingPage(facts: Facts): string {
  return layout(facts, {
    title: 'There is no such page',
    part: 'overview',
    content: html`<p>
      What you look for does not exist, or not any more, or is not for you to see. ${link('/', 'Go to the overview')}.
    </p>`,
  });
}
