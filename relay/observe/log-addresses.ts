/**
 * Mail addresses in the log, as the platform owner wants them: in full, as keyed hashes, or not at all. Applied to each
 * line once it is complete, so that no line can be written that forgets it: replies of upstreams contain addresses, and
 * so do errors.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { LogSettings } from '../config/config.ts';

export interface AddressRule {
  /** From now on. Without a key, hashes are stable for the life of the process. */
  use(settings: LogSettings): void;
  /** For another process that is to show them in the same way. */
  settings(): LogSettings;
  /** A line of JSON, with its addresses as they may be shown. */
  apply(line: string): string;
  /** Stands for a text: the same one for the same text, and no list of words leads back to it without the key. */
  hash(text: string): string;
}

const HIDDEN = '(hidden)';
/** 40 bits: two of a million addresses hardly ever have the same. */
const HASH_LENGTH = 10;
/** Fields that are addresses whatever they look like (`postmaster`), or lists of them. */
const ADDRESS_FIELDS: ReadonlySet<string> = new Set(['from', 'to', 'sender']);
/**
 * Whatever reads as an address in other text, with any sign that is shown as an at sign. A local part begins where a word
 * does, so that a long text is looked through once.
 */
const ADDRESS =
  /(?:"(?:[^"\\]|\\.){0,256}"|(?<![^\s<>"(),:;[\]])[^\s<>"(),:;[\]]+)[@\uff20\ufe6b](?:\[[^\s[\]]{1,256}\]|[^\s<>"(),:;[\]]+)/gu;

export function createAddressRule(): AddressRule {
  let mode: LogSettings['addresses'] = 'full';
  let key = randomBytes(32);

  // case tells no two mailboxes apart (address.ts)
  const hash = (text: string): string =>
    `#${createHmac('sha256', key).update(text.toLowerCase()).digest('hex').slice(0, HASH_LENGTH)}`;
  const shown = (address: string): string => (mode === 'hashed' ? hash(address) : HIDDEN);

  function rewrite(value: unknown, isAddress: boolean): unknown {
    if (typeof value === 'string') {
      // the null sender is nobody
      if (isAddress) return value === '' ? value : shown(value);
      return value.replace(ADDRESS, (match) => withEnd(match, shown));
    }
    if (Array.isArray(value)) return value.map((one) => rewrite(one, isAddress));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, rewrite(inner, ADDRESS_FIELDS.has(name))]),
    );
  }

  return {
    use: (settings) => {
      mode = settings.addresses;
      if (settings.key !== undefined) key = Buffer.from(settings.key, 'hex');
    },
    settings: () => ({ addresses: mode, key: key.toString('hex') }),
    apply: (line) => (mode === 'full' ? line : `${JSON.stringify(rewrite(JSON.parse(line), false))}\n`),
    hash,
  };
}

/** What ends a sentence is no part of the address in it: the same one must have the same hash everywhere. */
function withEnd(match: string, shown: (address: string) => string): string {
  const address = match.replace(/[.!?'>]+$/, '');
  return shown(address) + match.slice(address.length);
}
