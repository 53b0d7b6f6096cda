/** Octets of a client that have not been read yet: handed out as command lines, or as they are. */

const LF = 0x0a;
const CR = 0x0d;
const NOTHING = Buffer.alloc(0);

export interface Input {
  /** Takes octets of the client, and how to ask for more. */
  add(chunk: Buffer, next: () => void): void;
  /** Asks for more, once what there is has been used up. */
  more(): void;
  /** Nothing more comes. */
  end(): void;
  readonly hasEnded: boolean;
  /** Octets that nobody has taken. */
  readonly length: number;
  /** Length of the chunk that came last; no more has been asked for since. */
  readonly chunkLength: number;
  /**
   * The next line without its CRLF, one character an octet. Undefined where it has not ended yet. `null` where it is longer
   * than `max` octets with its CRLF, or ends in a bare LF: what follows cannot be trusted to be a command, and is gone.
   */
  takeLine(max: number): string | null | undefined;
  /** All octets; undefined where there are none. */
  takeAll(): Buffer | undefined;
  /** Puts back what a reader took and did not need. */
  putBack(rest: Buffer): void;
}

/** `onChange` is called when there is something new: octets, or their end. */
export function createInput(onChange: () => void): Input {
  let pending: Buffer = NOTHING;
  let waiting: { readonly length: number; readonly next: () => void } | undefined;
  let hasEnded = false;

  return {
    add(chunk, next) {
      waiting = { length: chunk.length, next };
      // before more is asked for, all but a line that has not ended is used up
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      onChange();
    },
    more() {
      const last = waiting;
      waiting = undefined;
      last?.next();
    },
    end() {
      hasEnded = true;
      onChange();
    },
    get hasEnded() {
      return hasEnded;
    },
    get length() {
      return pending.length;
    },
    get chunkLength() {
      return waiting?.length ?? 0;
    },
    takeLine(max) {
      const end = pending.indexOf(LF);
      const length = end === -1 ? pending.length : end + 1;
      if (length > max || (end !== -1 && pending[end - 1] !== CR)) {
        pending = NOTHING;
        return null;
      }
      if (end === -1) return undefined;
      const line = pending.toString('latin1', 0, end - 1);
      pending = pending.subarray(end + 1);
      return line;
    },
    takeAll() {
      if (pending.length === 0) return undefined;
      const all = pending;
      pending = NOTHING;
      return all;
    },
    putBack(rest) {
      pending = rest;
    },
  };
}
