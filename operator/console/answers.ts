/** Answers of the console, as the HTTP port sends them. */
import type { PageAnswer } from '../../relay/observe/http.ts';
import type { Facts } from './facts.ts';
import { assetHeaders, PAGE_HEADERS } from './headers.ts';
import { layout, missingPage, type Page } from './layout.ts';

export function shown(facts: Facts, page: Page): PageAnswer {
  return { status: 200, headers: PAGE_HEADERS, body: layout(facts, page) };
}

export function missing(facts: Facts): PageAnswer {
  return { status: 404, headers: PAGE_HEADERS, body: missingPage(facts) };
}

export function redirect(location: string): PageAnswer {
  return { status: 302, headers: { ...PAGE_HEADERS, location }, body: '' };
}

/** For whoever is not shown a page at all. */
export function plainText(status: number, words: string, headers: Readonly<Record<string, string>> = {}): PageAnswer {
  return { status, headers: { ...assetHeaders('text/plain; charset=utf-8'), ...headers }, body: `${words}\n` };
}
