import { randomInt } from 'node:crypto';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const LETTERS_AND_DIGITS = `${LETTERS}0123456789`;
/** 190 random bits. */
const LENGTH = 32;

/**
 * Letters and digits only: nothing that a shell, a URL or YAML would have to quote. A letter comes first, so that it is
 * no option to a command (`-x`), and neither a number nor a date to YAML (`1e5`, `0x1F`).
 *
 * @param below A random integer from 0 up to, not including, its argument; each as likely as the other.
 */
export function randomPassword(below: (bound: number) => number = randomInt): string {
  return Array.from({ length: LENGTH }, (_, i) => pick(i === 0 ? LETTERS : LETTERS_AND_DIGITS, below)).join('');
}

const FORM = new RegExp(`^[${LETTERS}][${LETTERS_AND_DIGITS}]{${LENGTH - 1}}$`);

/** Whether `randomPassword` could have made it: anything else would be easier to guess, or more work to hash. */
export function isGenerated(text: string): boolean {
  return FORM.test(text);
}

function pick(alphabet: string, below: (bound: number) => number): string {
  return alphabet.charAt(below(alphabet.length));
}
