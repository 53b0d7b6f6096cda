/**
 * The HTML of a mail for its frame. That it does nothing there is seen to by the sandbox and the policy of the answer (headers.ts);
 * what is taken out here are elements that a browser may act on all the same, such as `<link rel=preconnect>`.
 */
import sanitizeHtml from 'sanitize-html';
import type { Attachment, Mail } from './read-mail.ts';

/** More than that no mail program shows. */
const HTML_MAX = 1024 * 1024;
const PICTURE = /^image\/(png|jpeg|gif|webp|avif|bmp)$/i;

/** Beside those that the library allows. */
const TAGS = 'html head body title style img center font del ins u s strike big tt'.split(' ');
const ATTRIBUTES =
  'style class id dir lang title alt align valign width height bgcolor color border cellpadding cellspacing colspan rowspan face size start type hspace vspace'.split(
    ' ',
  );

/** @returns a whole document; links in it say where they lead, and lead nowhere from within the frame. */
export function frameOf({ html = '', attachments }: Pick<Mail, 'html' | 'attachments'>): string {
  const content = sanitizeHtml(html.slice(0, HTML_MAX), {
    allowedTags: [...sanitizeHtml.defaults.allowedTags, ...TAGS],
    allowedAttributes: { '*': ATTRIBUTES, img: ['src'], a: ['title'] },
    // what styles can do is bounded by the policy: they load nothing
    allowVulnerableTags: true,
    parseStyleAttributes: false,
    allowedSchemes: ['data'],
    transformTags: {
      a: (tagName, { href = '', ...attribs }) => ({ tagName, attribs: { ...attribs, title: href } }),
      img: (tagName, attribs) => ({ tagName, attribs: { ...attribs, src: pictureOf(attribs['src'], attachments) } }),
    },
  });
  return `<!doctype html>\n<meta charset="utf-8">\n${content}`;
}

/** Its own picture, where it has brought one; nothing else. */
function pictureOf(src = '', attachments: readonly Attachment[]): string {
  if (/^data:image\/(png|jpeg|gif|webp|avif|bmp);base64,/i.test(src)) return src;
  const id = src.startsWith('cid:') ? src.slice('cid:'.length) : undefined;
  const found = attachments.find(({ contentId, type }) => contentId === `<${id}>` && PICTURE.test(type));
  return found === undefined
    ? ''
    : `data:${found.type.toLowerCase()};base64,${Buffer.from(found.content).toString('base64')}`;
}

/** Where its links lead, each once, in their order: to be read before anybody follows one. */
export function linksIn({ html = '' }: Pick<Mail, 'html'>): readonly string[] {
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
