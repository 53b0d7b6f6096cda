/** An answer as it is written to the wire. */
import { escaped } from '../../printable.ts';
import type { Answer } from '../../replies.ts';

/** RFC 5321 section 4.5.3.1.5 allows 512 octets with code and line end. */
const REPLY_LINE_MAX = 480;

/** The reply as sent, without its last line end (RFC 5321 section 4.2.1), in ASCII to every client (RFC 6531 section 3.7.4). RFC 2034: no enhanced code in 220, EHLO and 3yz. */
export function formatReply({ code, enhanced, lines }: Answer): string {
  const last = lines.length - 1;
  const words = enhanced === undefined ? '' : `${enhanced} `;
  return lines
    .map((line, i) => `${code}${i < last ? '-' : ' '}${words}${escaped(line).slice(0, REPLY_LINE_MAX)}`)
    .join('\r\n');
}
