/** Finds the end of the header section in a message that comes in pieces of any size, in time linear in its octets. */

export interface HeaderCollector {
  /**
   * Takes the next piece of the message. `found`: `section()` is complete, later pieces are not wanted. `too_large`: the
   * empty line is not within the limit. Both are final.
   */
  readonly push: (chunk: Buffer) => 'more' | 'found' | 'too_large';
  /** What has come of the header section: with its empty line once found, else all of a message that has no body. */
  readonly section: () => Buffer;
  /** Octets of it so far. */
  readonly length: () => number;
}

const EMPTY_LINE = '\r\n\r\n';
/** A client that sends its octets one by one must not make us hold an object for each. */
const CHUNKS_MAX = 64;

/** Collects a header section of at most `limit` octets, its empty line included. Holds at most that plus one chunk. */
export function collectHeader(limit: number): HeaderCollector {
  const chunks: Buffer[] = [];
  let size = 0;
  let state: 'more' | 'found' | 'too_large' = 'more';
  // the last octets before this chunk; a line end stands before the message, for one that begins with its empty line
  let tail = Buffer.from('\r\n');

  function push(chunk: Buffer): typeof state {
    if (state !== 'more') return state;
    const end = endOfHeader(tail, chunk);
    const taken = end === undefined ? chunk : chunk.subarray(0, end);
    if (size + taken.length > limit) return (state = 'too_large');
    size += taken.length;
    if (chunks.length === CHUNKS_MAX) chunks.splice(0, CHUNKS_MAX, Buffer.concat(chunks));
    chunks.push(taken);
    tail = Buffer.concat([tail, chunk.subarray(-3)]).subarray(-3);
    return (state = end === undefined ? 'more' : 'found');
  }

  return { push, section: () => Buffer.concat(chunks, size), length: () => size };
}

/** Where in the chunk the octet after the empty line is, which may have begun in the octets before. */
function endOfHeader(tail: Buffer, chunk: Buffer): number | undefined {
  const across = Buffer.concat([tail, chunk.subarray(0, 3)]).indexOf(EMPTY_LINE);
  if (across !== -1) return across + EMPTY_LINE.length - tail.length;
  const within = chunk.indexOf(EMPTY_LINE);
  return within === -1 ? undefined : within + EMPTY_LINE.length;
}
