/** Requests one access token of OAuth 2.0, by client credentials (RFC 6749 section 4.4, RFC 7523 section 2.2). */
import { readFile } from 'node:fs/promises';
import { request, type RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import { rootCertificates } from 'node:tls';
import { z } from 'zod';
import type { OAuth2 } from '../config/config.ts';
import type { Resolve } from './resolve.ts';

export interface AccessToken {
  readonly token: string;
  readonly seconds: number;
}

/** Why there is none: for logs and for the status of a list, so no word of it is the server's own. */
export class TokenProblem extends Error {}

const REQUEST_MS = 10_000;
/** Real ones have two or three thousand octets. */
const ANSWER_MAX_BYTES = 64 * 1024;
/** RFC 6749 section 5.1 only recommends to say it. */
const DEFAULT_SECONDS = 3600;
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

const answerSchema = z.object({
  // RFC 6750 section 2.1: nothing in it could end a field of the log-in
  access_token: z.string().regex(/^[A-Za-z0-9._~+/-]{1,16384}=*$/),
  expires_in: z.coerce.number().positive().max(86_400).catch(DEFAULT_SECONDS),
});
/** RFC 6749 section 5.2. */
const refusalSchema = z.object({ error: z.string().regex(/^[a-z0-9_.-]{1,60}$/i) });

export interface TokenRequestOptions {
  /** PEM that is trusted beside the public roots. */
  readonly ca: string | undefined;
  /** As names of smart hosts are found: one whose name servers never answer must not hold up others (resolve.ts). */
  readonly resolve: Resolve;
  readonly signal: AbortSignal;
}

/** Throws `TokenProblem`. */
export async function requestToken(oauth2: OAuth2, options: TokenRequestOptions): Promise<AccessToken> {
  const url = new URL(oauth2.tokenUrl);
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: oauth2.clientId });
  if (oauth2.scope !== undefined) form.set('scope', oauth2.scope);
  for (const [name, value] of Object.entries(await proofOf(oauth2))) form.set(name, value);
  const { status, body } = await post(url, form.toString(), options);
  const answer = status === 200 ? answerSchema.safeParse(fromJson(body)) : undefined;
  if (answer?.success === true) return { token: answer.data.access_token, seconds: answer.data.expires_in };
  const refusal = refusalSchema.safeParse(fromJson(body));
  const why = refusal.success ? `${status} ${refusal.data.error}` : `${status} without a token`;
  throw new TokenProblem(`no access token: ${url.host} answered ${why}`);
}

async function proofOf({ clientSecret, assertionFile }: OAuth2): Promise<Record<string, string>> {
  if (assertionFile === undefined) return { client_secret: clientSecret ?? '' };
  try {
    // read each time: the kubelet writes a new one long before this one ends
    const assertion = (await readFile(assertionFile, 'utf8')).trim();
    return { client_assertion_type: ASSERTION_TYPE, client_assertion: assertion };
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new TokenProblem(`no access token: ${assertionFile} cannot be read (${code})`);
  }
}

async function post(
  url: URL,
  body: string,
  { ca, resolve: find, signal: ending }: TokenRequestOptions,
): Promise<{ readonly status: number; readonly body: string }> {
  const signal = AbortSignal.any([ending, AbortSignal.timeout(REQUEST_MS)]);
  try {
    const addresses = await find(url.hostname.replace(/^\[|\]$/g, ''), signal);
    return await exchange(url, body, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      // one request in an hour needs no connection that is kept
      agent: false,
      ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
      lookup: (_name, { all }, callback) => {
        const found = addresses.map((address) => ({ address, family: isIP(address) }));
        if (all === true) callback(null, found);
        else callback(null, found[0]?.address ?? '', found[0]?.family);
      },
      signal,
    });
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    throw new TokenProblem(`no access token: ${url.host}: ${signal.aborted ? 'timed out' : (code ?? message)}`);
  }
}

function exchange(
  url: URL,
  body: string,
  options: RequestOptions,
): Promise<{ readonly status: number; readonly body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly status: number; readonly body: string }>();
  const sent = request(url, options);
  sent.on('error', reject);
  // a redirect is an answer like any other: the secret goes to nobody else
  sent.on('response', (answer) => {
    let text = '';
    answer.setEncoding('utf8');
    answer.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > ANSWER_MAX_BYTES) sent.destroy(new Error('answers without end'));
    });
    answer.on('error', reject);
    answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text }));
    answer.on('close', () => reject(new Error('closed in the middle of its answer')));
  });
  sent.end(body);
  return promise;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
