/**
 * The pages below `/console/mail`. What a request names is looked up among what there is, and never becomes part of a
 * path on disk.
 */
import type { PageAnswer, PageRequest } from '../../../relay/observe/http.ts';
import { missing, shown } from '../answers.ts';
import type { Facts } from '../facts.ts';
import { downloadHeaders, FRAME_HEADERS } from '../headers.ts';
import { frameOf } from './frame.ts';
import { mailListPage } from './list.ts';
import { messagePage } from './message.ts';
import { readMail } from './read-mail.ts';
import { createMailSearch } from './search.ts';
import {
  listCaptured,
  readContent,
  readEnvelope,
  readWhole,
  type Captured,
  type CapturedPlace,
} from '../../captured-mail.ts';

const PER_PAGE = 50;
const FOUND_MAX = 200;
const QUERY_MAX = 200;
/** How much of a message is parsed to be shown. */
const SHOWN_MAX = 8 * 1024 * 1024;
const SOURCE_MAX = 256 * 1024;

export interface MailPagesOptions {
  readonly places: () => readonly CapturedPlace[];
}

export type MailPages = (request: PageRequest, path: string, facts: Facts) => Promise<PageAnswer>;

export function createMailPages({ places }: MailPagesOptions): MailPages {
  const search = createMailSearch();

  async function list({ query }: PageRequest, facts: Facts): Promise<PageAnswer> {
    const all = await listCaptured(places());
    const asked = (query.get('q') ?? '').slice(0, QUERY_MAX).trim();
    const words = asked.toLowerCase().split(/\s+/);
    if (asked !== '') {
      const found = await search.find(all, words, FOUND_MAX);
      return shown(facts, mailListPage({ query: asked, total: all.length, found, olderThan: undefined }));
    }
    const start = all.findIndex(({ key }) => key === query.get('before')) + 1;
    const some = all.slice(start, start + PER_PAGE);
    const found = (await Promise.all(some.map(search.summarize))).filter((one) => one !== undefined);
    const olderThan = start + PER_PAGE < all.length ? some.at(-1)?.key : undefined;
    return shown(facts, mailListPage({ query: '', total: all.length, found, olderThan }));
  }

  async function message(captured: Captured, { query }: PageRequest, facts: Facts): Promise<PageAnswer> {
    const [envelope, content] = [await readEnvelope(captured), await readContent(captured, SHOWN_MAX)];
    if (envelope === undefined || content === undefined) return missing(facts);
    const mail = await readMail(content.bytes);
    const source = content.bytes.subarray(0, SOURCE_MAX).toString('utf8');
    const isWhole = content.isWhole && content.bytes.length <= SOURCE_MAX;
    const tab = query.get('show') ?? undefined;
    return shown(
      facts,
      messagePage({
        key: captured.key,
        envelope,
        mail,
        source,
        isWhole: tab === 'source' ? isWhole : content.isWhole,
        tab,
      }),
    );
  }

  async function part(captured: Captured, name: string, facts: Facts): Promise<PageAnswer> {
    if (name === 'message.eml') {
      const bytes = await readWhole(captured);
      const headers = downloadHeaders('message/rfc822', `${captured.id}.eml`);
      return bytes === undefined ? missing(facts) : { status: 200, headers, body: bytes };
    }
    const content = await readContent(captured, SHOWN_MAX);
    if (content === undefined) return missing(facts);
    const mail = await readMail(content.bytes);
    if (name === 'frame.html' && mail.html !== undefined) {
      return { status: 200, headers: FRAME_HEADERS, body: frameOf(mail) };
    }
    const attachment = mail.attachments[Number(/^attachments\/([1-9][0-9]{0,3})$/.exec(name)?.[1] ?? 0) - 1];
    if (attachment === undefined) return missing(facts);
    // never as what it calls itself: a browser that opened it would run it as a page of ours
    const headers = downloadHeaders('application/octet-stream', attachment.name);
    return { status: 200, headers, body: attachment.content };
  }

  return async (request, path, facts) => {
    const [, , key, ...rest] = path.split('/');
    if (key === undefined) return list(request, facts);
    const captured = (await listCaptured(places())).find((one) => one.key === key);
    if (captured === undefined) return missing(facts);
    return rest.length === 0 ? message(captured, request, facts) : part(captured, rest.join('/'), facts);
  };
}
