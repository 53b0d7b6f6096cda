/** Parses the replies of a server from whatever pieces the network delivers (RFC 5321 section 4.2). */

/** What is no reply is nobody's answer to us: a service that is no mail server must not be read by way of a bounce. */
const UNREADABLE = 'unreadable reply: this is no SMTP';

export interface ServerReply {
  readonly code: number;
  /** All of its lines, each with its code, joined by LF; one character for each octet. */
  readonly text: string;
}

export interface ReplyParser {
  /** Takes what came, and returns the replies that it completes. Nothing more may be pushed after a `problem`. */
  push(chunk: Buffer): { readonly replies: readonly ServerReply[]; readonly problem?: string };
  /** A reply has begun and not ended. */
  isMidReply(): boolean;
}

/** Real replies have a few lines; the rest of this is patience. */
export const REPLY_MAX_BYTES = 64 * 1024;

const LF = 0x0a;
/** Servers exist that end a line with LF alone, or leave out the space behind the code. */
const LINE = /^([2-5][0-9][0-9])(?:([ -])[^]*)?$/;

export function createReplyParser(): ReplyParser {
  /** The lines of the present reply that are whole, and what came of the next one. */
  let lines: string[] = [];
  let partial = '';
  let bytes = 0;

  /** Returns the reply where the line ends one, or what is wrong with the line. */
  function addLine(line: string): ServerReply | string | undefined {
    const [, code, separator] = LINE.exec(line) ?? [];
    if (code === undefined) return UNREADABLE;
    if (lines[0] !== undefined && !lines[0].startsWith(code)) return UNREADABLE;
    lines.push(line);
    if (separator === '-') return undefined;
    const reply = { code: Number(code), text: lines.join('\n') };
    lines = [];
    bytes = 0;
    return reply;
  }

  return {
    push: (chunk) => {
      const replies: ServerReply[] = [];
      let from = 0;
      for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, from)) {
        bytes += end + 1 - from;
        if (bytes > REPLY_MAX_BYTES) return { replies, problem: 'reply without end' };
        const taken = addLine((partial + chunk.toString('latin1', from, end)).replace(/\r$/, ''));
        partial = '';
        from = end + 1;
        if (typeof taken === 'string') return { replies, problem: taken };
        if (taken !== undefined) replies.push(taken);
      }
      bytes += chunk.length - from;
      if (bytes > REPLY_MAX_BYTES) return { replies, problem: 'reply without end' };
      partial += chunk.toString('latin1', from);
      return { replies };
    },
    isMidReply: () => bytes > 0,
  };
}
