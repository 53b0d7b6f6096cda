/** What is made of a captured mail. Run by the process that parser.ts starts: on hostile mail any of this may take minutes. */
import { readContent } from '../../captured-content.ts';
import { frameOf, linksIn } from './frame.ts';
import { SHOWN_MAX, type ParserAnswer, type Gist, type ParserQuestion, type ShownMail } from './questions.ts';
import { readMail, type ReadableMail } from './read-mail.ts';

/** Of a mail that is listed or searched, so much is taken apart. */
const LISTED_MAX = 128 * 1024;
/** Of what comes of it, so much is searched; of HTML, markup and all. */
const SEARCHED_TEXT_MAX = 8 * 1024;
const SEARCHED_HTML_MAX = 32 * 1024;
/** A subject of many kilobytes is an attack on the list, which is kept in memory and shown whole. */
const FIELD_MAX = 1024;
/** More than that nobody reads on a page. */
const SHOWN_TEXT_MAX = 512 * 1024;

export async function answerTo({ about, mail, index }: ParserQuestion): Promise<ParserAnswer> {
  const content = await readContent(mail, about === 'gist' ? LISTED_MAX : SHOWN_MAX);
  if (content === undefined) return undefined;
  const read = await readMail(content.bytes);
  switch (about) {
    case 'gist':
      return gistOf(read);
    case 'page':
      return pageOf(read);
    case 'frame':
      return read.html === undefined ? undefined : frameOf(read);
    case 'attachment':
      return read.attachments[index];
  }
}

function gistOf({ subject, from, text = '', html = '' }: ReadableMail): Gist {
  const words = text === '' ? wordsIn(html) : text;
  return {
    subject: subject.slice(0, FIELD_MAX),
    from: from.slice(0, FIELD_MAX),
    text: words.slice(0, SEARCHED_TEXT_MAX).toLowerCase(),
  };
}

/** A `<` ends what was looked at as a tag: `<<<<` without an end would be read once more from each of them. */
function wordsIn(html: string): string {
  return html.slice(0, SEARCHED_HTML_MAX).replace(/<[^<>]*>/g, ' ');
}

function pageOf(mail: ReadableMail): ShownMail {
  const { html, text, attachments, ...rest } = mail;
  return {
    ...rest,
    hasHtml: html !== undefined,
    links: linksIn(mail),
    text: text?.slice(0, SHOWN_TEXT_MAX),
    attachments: attachments.map(({ name, type, content }) => ({ name, type, octets: content.length })),
  };
}
