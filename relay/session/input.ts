/**
 * The octets of a connection, cut into command lines or handed on as message data. Takes the place of smtp-server's own
 * parser, which ends lines at a bare LF, runs a last line without an end, and pays dearly for lines that begin with a dot.
 */
import { SMTPStream } from 'smtp-server/lib/smtp-stream';

export interface LineHandler {
  /** Longest line, its CRLF included. */
  readonly lineMax: () => number;
  /** Takes a line without its CRLF. Nothing is read on before the promise, if any, resolves; it never rejects. */
  readonly line: (line: Buffer) => Promise<void> | undefined;
  /** A line was too long or had a bare LF. What follows cannot be trusted to be a command. */
  readonly badLine: () => void;
  /** Undefined while replies can be written, else resolves when they can. */
  readonly writable: () => Promise<void> | undefined;
}

/** Takes the data of one message. */
export interface DataSink {
  /** Returns how many octets belong to the data: fewer than given once it has ended. */
  readonly write: (chunk: Buffer) => number;
  /** Undefined while it takes more at once, else resolves when it does; never rejects. */
  readonly ready: () => Promise<void> | undefined;
  readonly ended: () => boolean;
  /** All data is in: decides and answers. Never rejects. */
  readonly finish: () => Promise<void>;
}

const LF = 0x0a;
const CR = 0x0d;
/** So many lines may be worked off before other connections get their turn. */
const LINES_AT_ONCE = 100;
const NOTHING = Buffer.alloc(0);

export class SessionInput extends SMTPStream {
  readonly #handler: LineHandler;
  #pending: Buffer = NOTHING;
  /** Length of the chunk that is being worked off; what came after it waits in the stream. */
  #chunkLength = 0;
  #sink: DataSink | undefined;

  constructor(handler: LineHandler) {
    super();
    this.#handler = handler;
  }

  /** Whether there are octets that nobody has read yet. */
  get hasUnread(): boolean {
    return this.#pending.length > 0 || this.writableLength > this.#chunkLength;
  }

  /** What comes next is the data of a message. */
  readData(sink: DataSink): void {
    this.#sink = sink;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding | 'buffer', next: (error?: Error | null) => void): void {
    this.#chunkLength = chunk.length;
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#run(next);
  }

  /** A line without an end is no command. */
  override _flushData(): void {
    this.#pending = NOTHING;
  }

  /** Works until the octets are used up, and says so; what has to be waited for continues here. */
  #run(onStarved: () => void): void {
    try {
      for (let lines = 0; !this.isClosed; lines++) {
        const step = lines < LINES_AT_ONCE ? this.#step() : nextTurn();
        if (step === 'starved') return onStarved();
        if (step !== undefined) {
          step.then(() => this.#run(onStarved)).catch((error: unknown) => this.#fail(error));
          return;
        }
      }
      this.#pending = NOTHING;
      onStarved();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A fault of our own costs this connection, and not the process. */
  #fail(error: unknown): void {
    this.destroy(error instanceof Error ? error : new Error(String(error)));
  }

  #step(): Promise<void> | 'starved' | undefined {
    const blocked = this.#handler.writable();
    if (blocked !== undefined) return blocked;
    return this.#sink === undefined ? this.#stepLine() : this.#stepData(this.#sink);
  }

  #stepLine(): Promise<void> | 'starved' | undefined {
    const end = this.#pending.indexOf(LF);
    const length = end === -1 ? this.#pending.length : end + 1;
    const isBare = end !== -1 && this.#pending[end - 1] !== CR;
    if (isBare || length > this.#handler.lineMax()) {
      this.#pending = NOTHING;
      this.#handler.badLine();
      return undefined;
    }
    if (end === -1) return 'starved';
    const line = this.#pending.subarray(0, end - 1);
    this.#pending = this.#pending.subarray(end + 1);
    return this.#handler.line(line);
  }

  #stepData(sink: DataSink): Promise<void> | 'starved' | undefined {
    if (sink.ended()) {
      this.#sink = undefined;
      return sink.finish();
    }
    if (this.#pending.length === 0) return 'starved';
    const consumed = sink.write(this.#pending);
    this.#pending = this.#pending.subarray(consumed);
    return sink.ready();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
