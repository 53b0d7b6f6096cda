/**
 * An upstream's words, made fit for others than its owner to read in the status of a list: no mail address, no log-in.
 */
import { REPORTED_ERROR_MAX } from '../observe/upstream-report.ts';
import type { UpstreamConfig } from '../config/config.ts';
import { oneLine } from '../printable.ts';

const HIDDEN = '(hidden)';
const ADDRESS = /"[^"]*"@\S*|\S*@\S*/g;
const LOG_IN = /\bAUTH +\S.*$/i;
/** Shorter ones are words of every second sentence. */
const SECRET_MIN = 4;

/**
 * An upstream was sent the password, and may repeat it, as it is or as it was encoded for AUTH. One that means to give it
 * away has other ways to do so; this is for those that quote what they do not understand.
 */
export function tellable(text: string, upstream: UpstreamConfig): string {
  let told = oneLine(text);
  for (const secret of secretsOf(upstream)) told = without(told, secret);
  return told.replace(LOG_IN, `AUTH ${HIDDEN}`).replace(ADDRESS, HIDDEN).slice(0, REPORTED_ERROR_MAX);
}

/** Longest first: what is encoded together holds no part of it as it is. */
function secretsOf(upstream: UpstreamConfig): string[] {
  if (upstream.kind !== 'smtp') return [];
  const { username = '', password = '', oauth2 } = upstream;
  const encoded = [`\0${username}\0${password}`, password, username].map((text) => toBase64(text));
  return [...encoded, password, username, oauth2?.clientSecret ?? '']
    .map((secret) => oneLine(secret))
    .filter(({ length }) => length >= SECRET_MIN);
}

function toBase64(text: string): string {
  return Buffer.from(text).toString('base64').replace(/=+$/, '');
}

function without(text: string, secret: string): string {
  const all = text.replace(new RegExp(secret.replace(/[^A-Za-z0-9]/g, '\\$&') + '=*', 'gi'), HIDDEN);
  // the text may have been cut within it
  for (let length = secret.length - 1; length >= SECRET_MIN; length--) {
    const start = secret.slice(0, length).toLowerCase();
    if (all.toLowerCase().endsWith(start)) return all.slice(0, -length) + HIDDEN;
  }
  return all;
}
