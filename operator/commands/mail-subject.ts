/** The subject of a message, for a line of a list. */
import { decodings } from '../../relay/checks/encoded-words.ts';

export function subjectOf(head: Buffer): string {
  const header = head.toString('utf8').split(/\r?\n\r?\n/)[0] ?? '';
  const [, subject = ''] = /^subject:[ \t]*(.*(?:\r?\n[ \t].*)*)/im.exec(header) ?? [];
  const text = subject.replaceAll(/\r?\n[ \t]+/g, ' ').trim();
  return decodings(text)?.[0] ?? text;
}
