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
  return time.join('') + Array.from(takeRandom(RANDOM_DIGITS), digit).join('');
}

/** Drawn in bulk: a draw costs as much for 4 KiB as for eight octets, and there is one a message. */
let randomPool = Buffer.alloc(0);
const RANDOM_POOL_BYTES = 4096;

function takeRandom(count: number): Buffer {
  if (randomPool.length < count) randomPool = randomBytes(RANDOM_POOL_BYTES);
  const taken = randomPool.subarray(0, count);
  randomPool = randomPool.subarray(count);
  return taken;
}

function digit(value: number): string {
  return ALPHABET.charAt(value % 32);
}
