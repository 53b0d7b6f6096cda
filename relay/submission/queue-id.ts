/** Queue ids: sortable by time, short enough to read out, and impossible to guess from others. */
import { randomFillSync } from 'node:crypto';

/** Crockford's base 32: no letter that could be taken for a digit, safe in file names, headers and shells. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 50 bits: enough for milliseconds until the year 37000. */
const TIME_DIGITS = 10;
const RANDOM_DIGITS = 8;

/** Ten digits of the time in milliseconds and eight random ones (40 bits). */
export function createQueueId(now: number): string {
  let id = '';
  for (let rest = now, i = 0; i < TIME_DIGITS; i++, rest = Math.floor(rest / 32)) id = digit(rest % 32) + id;
  if (used + RANDOM_DIGITS > POOL.length) {
    randomFillSync(POOL);
    used = 0;
  }
  for (const end = used + RANDOM_DIGITS; used < end; used++) id += digit((POOL[used] ?? 0) % 32);
  return id;
}

/** Drawn in bulk: a draw costs as much for 4 KiB as for eight octets, and there is one a message. */
const POOL = Buffer.alloc(4096);
let used = POOL.length;

function digit(value: number): string {
  return ALPHABET.charAt(value);
}
