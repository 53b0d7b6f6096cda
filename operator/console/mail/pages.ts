/**
 * The pages below `/console/mail`. What a request names is looked up among what there is, and never becomes part of a
 * path on disk.
 */
import type { PageAnswer, PageRequest } from '../../../relay/observe/http.ts';
import { missing, plainText, shown } from '../answers.ts';
import type { Facts } from '../facts.ts';
import { downloadHeaders, FRAME_HEADERS } from '../headers.ts';
import { mailListPage } from './list.ts';
import { messagePage } from './message.ts';
import type { MailParser } from './parser.ts';
import { SHOWN_MAX, type ShownMail } from './questions.ts';
import { createMailSearch } from './search.ts';
import { readContent, readWhole } from '../../captured-content.ts';
import { listCaptured, readEnvelope, type CapturedMail, type CapturedPlace } from '../../captured-mail.ts';

const PER_PAGE = 50;
const FOUND_MAX = 200;
const QUERY_MAX = 200;
const SOURCE_MAX = 256 * 1024;

export interface MailPagesOptions {
  readonly places: () => readonly CapturedPlace[];
  readonly parser: MailParser;
}

/** Of a message that could not be shown. */
const WHY = {
  TooMuch: 'This message takes too much time or memory to show. Download its source instead.',
  Busy: 'Too many messages are being opened at the moment. Load this page again.',
};

export type MailPages = (request: PageRequest, path: string, facts: Facts) => Promise<PageAnswer>;

export function createMailPages({ places, parser }: MailPagesOptions): MailPages {
  const search = createMailSearch(parser);

  async function list({ query }: PageRequest, facts: Facts): Promise<PageAnswer> {
    const all = await listCaptured(places());
    const asked = (query.get('q') ?? '').slice(0, QUERY_MAX).trim();
    const words = asked.toLowerCase().split(/\s+/);
    if (asked !== '') {
      const { found, searched } = await search.find(all, words, FOUND_MAX);
      return shown(facts, mailListPage({ query: asked, total: all.length, searched, found, olderThan: undefined }));
    }
    const start = all.findIndex(({ key }) => key === query.get('before')) + 1;
    const some = all.slice(start, start + PER_PAGE);
    const found = await search.summarize(some);
    const olderThan = start + PER_PAGE < all.length ? some.at(-1)?.key : undefined;
    return shown(facts, mailListPage({ query: '', total: all.length, searched: all.length, found, olderThan }));
  }

  async function message(captured: CapturedMail, { query }: PageRequest, facts: Facts): Promise<PageAnswer> {
    const [envelope, content] = [await readEnvelope(captured), await readContent(captured, SOURCE_MAX)];
    if (envelope === undefined || content === undefined) return missing(facts);
    const outcome = await parser.ask('page', captured);
    const mail = outcome.ok ? outcome.value : unread(WHY[outcome.why]);
    if (mail === undefined) return missing(facts);
    const tab = query.get('show') ?? undefined;
    const isWhole = content.octets <= (tab === 'source' ? SOURCE_MAX : SHOWN_MAX);
    const source = content.bytes.toString('utf8');
    return shown(facts, messagePage({ key: captured.key, envelope, mail, source, isWhole, tab }));
  }

  async function frame(captured: CapturedMail, facts: Facts): Promise<PageAnswer> {
    const outcome = await parser.ask('frame', captured);
    if (!outcome.ok) return plainText(503, WHY[outcome.why]);
    return outcome.value === undefined ? missing(facts) : { status: 200, headers: FRAME_HEADERS, body: outcome.value };
  }

  async function attachment(captured: CapturedMail, index: number, facts: Facts): Promise<PageAnswer> {
    const outcome = await parser.ask('attachment', captured, index);
    if (!outcome.ok) return plainText(503, WHY[outcome.why]);
    if (outcome.value === undefined) return missing(facts);
    // never as what it calls itself: a browser that opened it would run it as a page of ours
    const headers = downloadHeaders('application/octet-stream', outcome.value.name);
    return { status: 200, headers, body: outcome.value.content };
  }

  async function part(captured: CapturedMail, name: string, facts: Facts): Promise<PageAnswer> {
    if (name === 'frame.html') return frame(captured, facts);
    const [, number] = /^attachments\/([1-9][0-9]{0,3})$/.exec(name) ?? [];
    if (number !== undefined) return attachment(captured, Number(number) - 1, facts);
    const bytes = name === 'message.eml' ? await readWhole(captured) : undefined;
    const headers = downloadHeaders('message/rfc822', `${captured.id}.eml`);
    return bytes === undefined ? missing(facts) : { status: 200, headers, body: bytes };
  }

  return async (request, path, facts) => {
    const [, , key, ...rest] = path.split('/');
    if (key === undefined) return list(request, facts);
    const captured = (await listCaptured(places())).find((one) => one.key === key);
    if (captured === undefined) return missing(facts);
    return rest.length === 0 ? message(captured, request, facts) : part(captured, rest.join('/'), facts);
  };
}

/** Its envelope, its source and the download are there all the same. */
function unread(problem: string): ShownMail {
  return { subject: '', from: '', headers: [], text: undefined, hasHtml: false, links: [], attachments: [], problem };
}
