/**
 * The HTML of a mail, for its frame. The sandbox and the policy of the answer (headers.ts) keep it from doing anything
 * there; removed here are elements that a browser may act on all the same, such as `<link rel=preconnect>`.
 */
import sanitizeHtml from 'sanitize-html';
import type { Attachment, ReadableMail } from './read-mail.ts';

/** More than that no mail program shows. */
const HTML_MAX = 1024 * 1024;
const PICTURE = /^image\/(png|jpeg|gif|webp|avif|bmp)$/i;
const DATA = /^data:image\/(png|jpeg|gif|webp|avif|bmp);base64,/i;

/** Beside those that the library allows. */
const TAGS = 'html head body title style img center font del ins u s strike big tt'.split(' ');
const ATTRIBUTES =
  'style class id dir lang title alt align valign width height bgcolor color border cellpadding cellspacing colspan rowspan face size start type hspace vspace'.split(
    ' ',
  );

/** Size of all pictures within the document, as often as they stand in it: one picture may be named many thousand times. */
export const INLINED_MAX = 16 * 1024 * 1024;
export const PICTURES_MAX = 200;

/** @returns a whole document; links in it say where they lead, and lead nowhere from within the frame. */
export function frameOf({ html = '', attachments }: Pick<ReadableMail, 'html' | 'attachments'>): string {
  const pictureOf = createPictures(attachments);
  const content = sanitizeHtml(html.slice(0, HTML_MAX), {
    allowedTags: [...sanitizeHtml.defaults.allowedTags, ...TAGS],
    allowedAttributes: { '*': ATTRIBUTES, img: ['src'], a: ['title'] },
    // what styles can do is bounded by the policy: they load nothing
    allowVulnerableTags: true,
    parseStyleAttributes: false,
    allowedSchemes: ['data'],
    transformTags: {
      a: (tagName, { href = '', ...attribs }) => ({ tagName, attribs: { ...attribs, title: href } }),
      img: (tagName, attribs) => ({ tagName, attribs: { ...attribs, src: pictureOf(attribs['src']) } }),
    },
  });
  return `<!doctype html>\n<meta charset="utf-8">\n${content}`;
}

/** Its own picture, where it has brought one and there is room left; nothing else. */
function createPictures(attachments: readonly Attachment[]): (src?: string) => string {
  const brought = new Map<string, Attachment>();
  for (const one of attachments) {
    const id = one.contentId;
    if (id !== undefined && PICTURE.test(one.type) && !brought.has(id)) brought.set(id, one);
  }
  const encoded = new Map<string, string>();
  let pictures = 0;
  let octets = 0;

  function isRoomFor(length: number): boolean {
    if (pictures >= PICTURES_MAX || octets + length > INLINED_MAX) return false;
    pictures++;
    octets += length;
    return true;
  }

  return (src = '') => {
    if (DATA.test(src)) return isRoomFor(src.length) ? src : '';
    const id = src.startsWith('cid:') ? `<${src.slice('cid:'.length)}>` : '';
    const found = brought.get(id);
    if (found === undefined || !isRoomFor(base64Length(found.content.length))) return '';
    const before = encoded.get(id);
    if (before !== undefined) return before;
    const url = `data:${found.type.toLowerCase()};base64,${Buffer.from(found.content).toString('base64')}`;
    encoded.set(id, url);
    return url;
  };
}

function base64Length(octets: number): number {
  return Math.ceil(octets / 3) * 4;
}

/** Where its links lead, each once, in their order: to be read before anybody follows one. */
export function linksIn({ html = '' }: Pick<ReadableMail, 'html'>): readonly string[] {
  const links = new Set<string>();
  sanitizeHtml(html.slice(0, HTML_MAX), {
    allowedTags: ['a'],
    allowedAttributes: { a: ['href'] },
    allowedSchemes: ['http', 'https', 'mailto'],
    transformTags: {
      a: (tagName, attribs) => {
        if (links.size < LINKS_MAX && /^(https?|mailto):/i.test(attribs['href'] ?? ''))
          links.add(attribs['href'] ?? '');
        return { tagName, attribs };
      },
    },
  });
  return [...links];
}

const LINKS_MAX = 200;
