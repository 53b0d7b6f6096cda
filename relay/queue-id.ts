/** Queue ids: sortable by time, short enough to read out, and not to be guessed by who has seen others. */
import { randomBytes } from 'node:crypto';

/** Crockford's base 32: no letter that could be taken for a digit, safe in file names, headers and shells. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 50 bits: enough for milliseconds until the year 37000. */
const TIME_DIGITS = 10;
const RANDOM_DIGITS = 8;

/** Ten digits of the time in milliseconds and eight random ones (40 bits). */
export function createQueueId(now: number): string {
  const time = Array.from({ length: TIME_DIGITS }, (_, i) => digit(Math.floor(now / 32 ** (TIME_DIGITS - 1 - i))));
  return time.join('') + Array.from(randomBytes(RANDOM_DIGITS), digit).join('');
}

function digit(value: number): string {
  return ALPHABET.charAt(value % 32);
}
