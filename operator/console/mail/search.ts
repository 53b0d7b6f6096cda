/** Finds captured mail by words in it: in the envelope, in the subject, and in the first part of its text. */
import { readEnvelope, type CapturedMail, type CapturedEnvelope } from '../../captured-mail.ts';
import type { MailParser } from './parser.ts';
import type { Gist } from './questions.ts';

/** How many of the newest are looked through. */
const SEARCHED_MAX = 2000;
/** A page is made within this time, whatever it lists: it says of the rest that it was not read. */
const PATIENCE_MS = 20_000;

const TOO_MUCH: Gist = { subject: '(cannot be read: it takes too much time or memory)', from: '', text: '' };
const UNREAD: Gist = { subject: '(not read yet)', from: '', text: '' };

export interface Summary {
  readonly key: string;
  readonly envelope: CapturedEnvelope;
  readonly subject: string;
  readonly from: string;
}

interface Found {
  readonly found: readonly Summary[];
  /** How many of the newest were looked through. */
  readonly searched: number;
}

export interface MailSearch {
  /** Without those that are gone. */
  readonly summarize: (some: readonly CapturedMail[]) => Promise<readonly Summary[]>;
  /** Those that have every word, up to `most`, newest first. */
  readonly find: (all: readonly CapturedMail[], words: readonly string[], most: number) => Promise<Found>;
}

export function createMailSearch(parser: MailParser, now: () => number = () => performance.now()): MailSearch {
  // the content of a message does not change once it is there
  const known = new Map<string, Gist>();

  async function read(captured: CapturedMail): Promise<Gist | undefined> {
    const before = known.get(captured.key);
    if (before !== undefined) return before;
    const outcome = await parser.ask('gist', captured);
    if (!outcome.ok && outcome.why === 'Busy') return UNREAD;
    const gist = outcome.ok ? outcome.value : TOO_MUCH;
    if (gist !== undefined) remember(captured.key, gist);
    return gist;
  }

  function remember(key: string, gist: Gist): void {
    known.set(key, gist);
    for (const oldest of known.keys()) {
      if (known.size <= SEARCHED_MAX) break;
      known.delete(oldest);
    }
  }

  return {
    summarize: async (some) => {
      const deadline = now() + PATIENCE_MS;
      const summaries: Summary[] = [];
      for (const captured of some) {
        const gist = now() < deadline ? await read(captured) : (known.get(captured.key) ?? UNREAD);
        const envelope = await readEnvelope(captured);
        if (gist !== undefined && envelope !== undefined) summaries.push(summaryOf(captured, envelope, gist));
      }
      return summaries;
    },
    find: async (all, words, most) => {
      const deadline = now() + PATIENCE_MS;
      const found: Summary[] = [];
      let searched = 0;
      for (const captured of all.slice(0, SEARCHED_MAX)) {
        if (found.length >= most || now() >= deadline) break;
        searched++;
        const [envelope, gist] = [await readEnvelope(captured), await read(captured)];
        if (envelope === undefined || gist === undefined) continue;
        if (hasAll(words, envelope, gist)) found.push(summaryOf(captured, envelope, gist));
      }
      return { found, searched };
    },
  };
}

function hasAll(words: readonly string[], { user, list, from, recipients }: CapturedEnvelope, gist: Gist): boolean {
  const all = [gist.subject, gist.from, user, list, from, ...recipients].join('\n').toLowerCase() + gist.text;
  return words.every((word) => all.includes(word));
}

function summaryOf({ key }: CapturedMail, envelope: CapturedEnvelope, { subject, from }: Gist): Summary {
  return { key, envelope, subject, from };
}
