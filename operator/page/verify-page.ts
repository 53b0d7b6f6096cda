/**
 * `/verify/TOKEN`: whoever got the mail confirms the address here. GET shows what would be confirmed, which mail
 * scanners may do as often as they like; POST confirms it. Any replica serves it.
 */
import type { PageAnswer, PageRequest } from '../../relay/observe/http.ts';
import { createRequestLimit } from './request-limit.ts';
import {
  askPage,
  busyPage,
  CONTENT_SECURITY_POLICY,
  donePage,
  receivedPage,
  unusablePage,
  type Confirmable,
} from './verify-html.ts';

/** What a link is for, as far as this process knows. */
export interface KnownLink extends Confirmable {
  /** `Open`: it can be confirmed. `Used`: it has been. */
  readonly state: 'Open' | 'Used';
}

export interface Links {
  readonly find: (linkHash: string) => KnownLink | undefined;
  /** Resolves to whether it is known to be in force; rejects where it could not even be written down. */
  readonly confirm: (linkHash: string) => Promise<'Confirmed' | 'Received' | 'Unusable'>;
}

export type PageResult = 'ask' | 'confirmed' | 'received' | 'unusable' | 'limited' | 'failed';

export interface VerifyPageOptions {
  readonly linkHash: (token: string) => string;
  readonly links: Links;
  readonly onAnswer: (result: PageResult) => void;
  readonly now?: () => number;
}

export const VERIFY_PATH = '/verify';
/** 32 octets in base64url. What is not of this form was never in a mail, and is not even hashed. */
const TOKEN = /^[A-Za-z0-9_-]{43}$/;
/** Requests with links that nobody knows: each costs little, and whoever has a real one is not kept waiting by them. */
const MISSES_PER_SECOND = 20;
const MISSES_AT_ONCE = 200;

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex',
};

export function createVerifyPage(options: VerifyPageOptions) {
  const { linkHash, links, onAnswer } = options;
  const misses = createRequestLimit({ perSecond: MISSES_PER_SECOND, most: MISSES_AT_ONCE, now: options.now });

  function answer(result: PageResult, status: number, body: string, more: Readonly<Record<string, string>> = {}) {
    onAnswer(result);
    return { status, headers: { ...HEADERS, ...more }, body };
  }

  function unusable(): PageAnswer {
    if (!misses.take()) return answer('limited', 429, busyPage(), { 'retry-after': '60' });
    return answer('unusable', 404, unusablePage());
  }

  async function confirm(hash: string): Promise<PageAnswer> {
    // twice, from two tabs or by a double click: it has worked
    if (links.find(hash)?.state === 'Used') return answer('confirmed', 200, donePage());
    try {
      const outcome = await links.confirm(hash);
      if (outcome === 'Unusable') return unusable();
      if (outcome === 'Received') return answer('received', 202, receivedPage());
      return answer('confirmed', 200, donePage());
    } catch {
      return answer('failed', 503, busyPage(), { 'retry-after': '60' });
    }
  }

  return async ({ method, path }: PageRequest): Promise<PageAnswer | undefined> => {
    if (path !== VERIFY_PATH && !path.startsWith(`${VERIFY_PATH}/`)) return undefined;
    if (!['GET', 'HEAD', 'POST'].includes(method)) {
      return { status: 405, headers: { ...HEADERS, allow: 'GET, HEAD, POST' }, body: '' };
    }
    const token = path.slice(VERIFY_PATH.length + 1);
    const hash = TOKEN.test(token) ? linkHash(token) : undefined;
    const link = hash === undefined ? undefined : links.find(hash);
    if (hash === undefined || link === undefined) return unusable();
    if (method === 'POST') return confirm(hash);
    return link.state === 'Open' ? answer('ask', 200, askPage(link)) : unusable();
  };
}
