import type { Readable } from 'node:stream';

/** Longer than any line of the log: what is longer still is no line. */
const LINE_MAX = 1024 * 1024;

/** Hands on each whole line of what another process writes, its end included. What a crash has cut off is nobody's line. */
export function passLines(from: Readable, pass: (line: string) => void): void {
  let rest = '';
  from.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_MAX) rest = '';
    for (const line of lines) pass(`${line}\n`);
  });
}
