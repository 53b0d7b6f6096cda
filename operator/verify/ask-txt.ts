/**
 * One question to the DNS: the TXT records of a name. It passes on what came back and judges nothing, except that an
 * answer which says there are none is not the same as one which says nothing.
 */
import { Resolver } from 'node:dns/promises';

export type TxtAnswer =
  /** The values, each put together from its strings (RFC 7208 section 3.3 does the same). May be none: a CNAME to nowhere. */
  | { readonly kind: 'values'; readonly values: readonly string[] }
  | { readonly kind: 'absent'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string };

/** Whom to ask, and how patiently. */
export interface DnsServer {
  /** `ADDRESS` or `ADDRESS:PORT`; undefined: those of the system, one after the other. */
  readonly server?: string;
  /** For the first try; each further one waits longer. Milliseconds. */
  readonly timeoutMs: number;
  readonly tries: number;
}

/** The name is asked for as it is: a search list of the system would look for the proof in a domain of somebody else. */
export async function askTxt(name: string, server: DnsServer): Promise<TxtAnswer> {
  try {
    const records = await resolverOf(server).resolveTxt(name);
    return { kind: 'values', values: records.map((strings) => strings.join('')) };
  } catch (error) {
    return answerOf(codeOf(error));
  }
}

/** One for each look-up: the servers of the system may have changed, and nothing of an earlier question is left over. */
export function resolverOf({ server, timeoutMs, tries }: DnsServer): Resolver {
  const resolver = new Resolver({ timeout: timeoutMs, tries });
  if (server !== undefined) resolver.setServers([server]);
  return resolver;
}

/** Codes of c-ares, as `node:dns` documents them. */
export function answerOf(code: string): Exclude<TxtAnswer, { kind: 'values' }> {
  switch (code) {
    case 'ENOTFOUND':
      return { kind: 'absent', why: 'the name does not exist (NXDOMAIN)' };
    case 'ENODATA':
      return { kind: 'absent', why: 'the name has no TXT record (NODATA), or more of them than a DNS answer can hold' };
    case 'ETIMEOUT':
      return { kind: 'failed', why: 'no answer in time' };
    case 'ESERVFAIL':
      return {
        kind: 'failed',
        why: 'the server could not find out (SERVFAIL); look at the DNSSEC and name servers of the zone',
      };
    case 'EREFUSED':
      return { kind: 'failed', why: 'the server refuses to answer for this domain (REFUSED)' };
    case 'ECONNREFUSED':
      return { kind: 'failed', why: 'nothing answers at the address of the server' };
    case 'EBADRESP':
      return { kind: 'failed', why: 'the answer is malformed' };
    case 'EFORMERR':
      return { kind: 'failed', why: 'the server does not understand the question (FORMERR)' };
    case 'ENOTIMP':
      return { kind: 'failed', why: 'the server does not answer such questions (NOTIMP)' };
    case 'EBADNAME':
      return { kind: 'failed', why: 'this is not a name that can be asked for' };
    default:
      return { kind: 'failed', why: `the look-up failed (${code})` };
  }
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
}
