/** Makes text that somebody else has chosen fit for a line of a protocol. */

/** ASCII without controls: whatever could split a line, or hide in a log, becomes a `?`. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

/** The same, with what is not ASCII as RFC 6533 section 3 writes it in addresses (`\x{416}`): people can tell what it was. */
export function escaped(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, (character) => `\\x{${hexOf(character)}}`);
}

/** The code point of a character, as RFC 6533 has it. */
export function hexOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase();
}

const LINE_MAX = 400;

/** The same as one line, for logs, reports and statuses: white space of any kind and length becomes one space. */
export function oneLine(text: string): string {
  return printable(text.slice(0, LINE_MAX * 2).replace(/[\s\x00-\x1f\x7f]+/g, ' '))
    .trim()
    .slice(0, LINE_MAX);
}
