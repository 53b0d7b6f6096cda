/** Text that somebody else has chosen, fit for a line of a protocol. */

/** ASCII without controls: whatever could split a line, or hide in a log, becomes a `?`. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

const LINE_MAX = 400;

/** The same as one line, for logs, reports and statuses: white space of any kind and length becomes one space. */
export function oneLine(text: string): string {
  return printable(text.slice(0, LINE_MAX * 2).replace(/[\s\x00-\x1f\x7f]+/g, ' '))
    .trim()
    .slice(0, LINE_MAX);
}
