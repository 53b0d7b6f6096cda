/**
 * The DNS questions of one SPF evaluation, which a hostile zone may make many: each is asked once, and there is a limit
 * to them.
 */
import { resolverOf, type DnsServer } from './ask-txt.ts';

/** As `node:dns` has it; rejects with the codes of c-ares. */
export type AskDns = (name: string, type: string) => Promise<unknown>;

export interface Questions {
  readonly ask: AskDns;
  /** Answers so far. */
  readonly answers: () => readonly unknown[];
}

/**
 * An evaluation has at most ten terms that take a question, and each of those has up to ten names of servers
 * (RFC 7208 section 4.6.4). Records that are meant well take a few dozens.
 */
const QUESTIONS_MAX = 150;
const TIME_MS = 30_000;

export function createQuestions(server: DnsServer, now: () => number = () => performance.now()): Questions {
  const resolver = resolverOf(server);
  const known = new Map<string, Promise<unknown>>();
  const answers: unknown[] = [];
  const deadline = now() + TIME_MS;

  async function askOnce(name: string, type: string): Promise<unknown> {
    if (known.size > QUESTIONS_MAX) throw new Error(`it takes more than ${QUESTIONS_MAX} questions to the DNS`);
    if (now() > deadline) throw new Error(`it takes longer than ${TIME_MS / 1000} s to ask the DNS`);
    const answer: unknown = await resolver.resolve(name, type);
    answers.push(answer);
    return answer;
  }

  return {
    answers: () => answers,
    ask: (name, type) => {
      const key = `${type} ${name.toLowerCase()}`;
      const asked = known.get(key) ?? askOnce(name, type);
      known.set(key, asked);
      return asked;
    },
  };
}
