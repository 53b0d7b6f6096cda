/** What an SPF record says about an address: mailauth evaluates it, with our questions to the DNS. */
import type { AskDns } from './spf-questions.ts';

export interface SpfResult {
  readonly result: string;
  /** For people, where there was an error. */
  readonly why: string;
}

/** Records that are told instead of what is in the DNS, by name. */
export type Instead = ReadonlyMap<string, string>;

const SENDER = 'postmaster';
const TIME_MS = 30_000;

/** By the letter of RFC 7208: what some receivers forgive, others do not. */
export async function evaluateSpf(
  { domain, ip }: { readonly domain: string; readonly ip: string },
  ask: AskDns,
  instead: Instead = new Map(),
): Promise<SpfResult> {
  // loaded when the first one is evaluated: it brings tables of character sets with it
  const { spf } = await import('mailauth/lib/spf/index.js');
  const sender = `${SENDER}@${domain}`;
  const { status } = await spf({
    sender,
    ip,
    helo: domain,
    mta: 'smtp-plus.invalid',
    strict: true,
    maxElapsedTime: TIME_MS,
    resolver: async (name, type) => {
      const record = type === 'TXT' ? instead.get(name.toLowerCase()) : undefined;
      // its types know of lists of strings alone, it takes what `node:dns` gives
      return record === undefined ? ((await ask(name, type)) as string[]) : [[record]];
    },
  });
  const { comment = '' } = status;
  return { result: status.result, why: comment.slice(comment.indexOf(sender) + sender.length).replace(/^: /, '') };
}
