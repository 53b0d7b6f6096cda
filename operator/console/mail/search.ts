/** Finds captured mail by words in it: in the envelope, in the subject, and in the first part of its text. */
import { readMail } from './read-mail.ts';
import { readContent, readEnvelope, type Captured, type Envelope } from '../../captured-mail.ts';

/** So many of the newest are looked through. */
export const SEARCHED_MAX = 2000;
/** How much of each message is parsed, and how much of the result is kept. */
const PARSED_MAX = 128 * 1024;
const TEXT_MAX = 8 * 1024;
/** How much of its HTML is kept, markup and all. */
const HTML_MAX = 32 * 1024;
/** A subject of many kilobytes is an attack on the list, which is kept in memory and shown whole. */
const FIELD_MAX = 1024;

export interface Summary {
  readonly key: string;
  readonly envelope: Envelope;
  readonly subject: string;
  readonly from: string;
}

interface Known {
  readonly subject: string;
  readonly from: string;
  readonly text: string;
}

export interface MailSearch {
  /** Undefined where it is gone. */
  readonly summarize: (captured: Captured) => Promise<Summary | undefined>;
  /** Those that have every word, up to `most`, newest first. */
  readonly find: (all: readonly Captured[], words: readonly string[], most: number) => Promise<readonly Summary[]>;
}

export function createMailSearch(): MailSearch {
  // the content of a message does not change once it is there
  const known = new Map<string, Known>();

  async function read(captured: Captured): Promise<Known | undefined> {
    const before = known.get(captured.key);
    if (before !== undefined) return before;
    const content = await readContent(captured, PARSED_MAX);
    if (content === undefined) return undefined;
    const { subject, from, text = '', html = '' } = await readMail(content.bytes);
    const words = text === '' ? wordsIn(html) : text;
    const fresh = {
      subject: startOf(subject, FIELD_MAX),
      from: startOf(from, FIELD_MAX),
      text: startOf(words, TEXT_MAX).toLowerCase(),
    };
    known.set(captured.key, fresh);
    for (const key of known.keys()) {
      if (known.size <= SEARCHED_MAX) break;
      known.delete(key);
    }
    return fresh;
  }

  async function look(captured: Captured, words: readonly string[]): Promise<Summary | undefined> {
    const [envelope, content] = [await readEnvelope(captured), await read(captured)];
    if (envelope === undefined || content === undefined) return undefined;
    const { subject, from, text } = content;
    const { user, list, recipients } = envelope;
    const all = [subject, from, user, list, envelope.from, ...recipients].join('\n').toLowerCase() + text;
    return words.every((word) => all.includes(word)) ? { key: captured.key, envelope, subject, from } : undefined;
  }

  return {
    summarize: (captured) => look(captured, []),
    find: async (all, words, most) => {
      const found: Summary[] = [];
      for (const captured of all.slice(0, SEARCHED_MAX)) {
        const summary = await look(captured, words);
        if (summary !== undefined) found.push(summary);
        if (found.length >= most) break;
      }
      return found;
    },
  };
}

/** A `<` ends what was looked at as a tag: `<<<<` without an end would be read once more from each of them. */
function wordsIn(html: string): string {
  return html.slice(0, HTML_MAX).replace(/<[^<>]*>/g, ' ');
}

/** A copy: a mere slice would keep the whole message in memory. */
function startOf(text: string, most: number): string {
  return Buffer.from(text.slice(0, most)).toString();
}
