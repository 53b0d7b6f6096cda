/**
 * A client's connection as its session sees it: a line to read, an answer to give, and nothing of sockets in between.
 */
import type { ClientSocket, ConnectionEnd, TlsSession } from './client-socket.ts';
import { formatReply } from './format-reply.ts';
import { replies, type Answer } from '../../replies.ts';

/** In place of a line: the client is gone, or will send no more, and there is nobody to answer. */
export const GONE: Answer = { code: 421, lines: ['The client is gone'], close: true };

/** How many lines may be worked off before other connections get their turn. */
const LINES_AT_ONCE = 100;

export class Connection {
  readonly #socket: ClientSocket;
  #unsent = '';
  #linesAtOnce = 0;
  /** Wakes whoever waits for the client. */
  #wake: (() => void) | undefined;
  #interruption: Answer | undefined;

  /** `attach` makes the socket, which tells when there is something new. */
  constructor(attach: (onChange: () => void) => ClientSocket) {
    this.#socket = attach(() => this.#wake?.());
  }

  /** Resolves when the client can be talked to, after the handshake where TLS comes first, or is gone. */
  open(): Promise<void> {
    return this.#until((done) => this.#socket.open(done));
  }

  /** Resolves after the handshake that follows the reply to STARTTLS, or where the client is gone. */
  startTls(): Promise<void> {
    this.#flush();
    return this.#until((done) => this.#socket.startTls(done));
  }

  /** The next line without its CRLF, one character an octet; or the answer that the session ends with. */
  async readLine(max: number): Promise<string | Answer> {
    for (;;) {
      const line = this.#mayRead() ? this.#socket.input?.takeLine(max) : undefined;
      if (line === null) return { ...replies.badLine(), close: true };
      if (line !== undefined) {
        if (++this.#linesAtOnce >= LINES_AT_ONCE) await this.#giveWay();
        return line;
      }
      const interruption = await this.#more();
      if (interruption !== undefined) return interruption;
    }
  }

  /** The next octets, as many as there are; or the answer that the session ends with. */
  async readData(): Promise<Buffer | Answer> {
    for (;;) {
      const data = this.#mayRead() ? this.#socket.input?.takeAll() : undefined;
      if (data !== undefined) return data;
      const interruption = await this.#more();
      if (interruption !== undefined) return interruption;
    }
  }

  /** Leaves octets to whoever reads next. */
  putBack(rest: Buffer): void {
    this.#socket.input?.putBack(rest);
  }

  /** Whether the client sent more than it has had answers to. */
  get hasUnread(): boolean {
    return this.#socket.hasUnread;
  }

  /** Answers to pipelined commands leave together, when this turn of the event loop ends. */
  reply(answer: Answer): void {
    if (this.#unsent === '') process.nextTick(() => this.#flush());
    this.#unsent += `${formatReply(answer)}\r\n`;
  }

  /** Whether the session waits for its client: to send, to read its replies, to end a handshake. */
  get isWaiting(): boolean {
    return this.#wake !== undefined;
  }

  /** Gives this answer to whoever waits for the client, in place of what the client might send. */
  interrupt(answer: Answer): void {
    if (this.#wake === undefined) return;
    this.#interruption = answer;
    this.#wake();
  }

  get isUpgrading(): boolean {
    return this.#socket.isUpgrading;
  }

  get isClosed(): boolean {
    return this.#socket.end !== undefined;
  }

  /** Undefined in clear text. */
  get tls(): TlsSession | undefined {
    return this.#socket.tls;
  }

  /** After the last reply. Resolves when the client has closed its side, or has had its time for it. */
  async close(): Promise<ConnectionEnd> {
    this.#flush();
    // for one that is closed, the library would keep a timer for nothing
    if (!this.isClosed) this.#socket.close();
    return this.#ended();
  }

  /** The same, without a wait for the client. */
  async closeAtOnce(): Promise<ConnectionEnd> {
    this.#flush();
    this.#socket.closeAtOnce();
    return this.#ended();
  }

  /** Ends the connection without a word. */
  abort(): void {
    this.#socket.abort();
  }

  /** A client that does not read its replies gets no more of them. */
  #mayRead(): boolean {
    return !this.isClosed && !this.#socket.isClogged;
  }

  /** Waits for something new; an answer where the session has to end. */
  async #more(): Promise<Answer | undefined> {
    this.#linesAtOnce = 0;
    const { input } = this.#socket;
    if (this.isClosed || input === undefined || (input.hasEnded && this.#mayRead())) return GONE;
    const woken = this.#woken();
    if (this.#mayRead()) input.more();
    await woken;
    const interruption = this.#interruption;
    this.#interruption = undefined;
    return interruption;
  }

  async #woken(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  async #giveWay(): Promise<void> {
    this.#linesAtOnce = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }

  async #until(begin: (done: () => void) => void): Promise<void> {
    const handshake = { isDone: false };
    begin(() => {
      handshake.isDone = true;
      this.#wake?.();
    });
    while (!handshake.isDone && !this.isClosed) await this.#woken();
  }

  async #ended(): Promise<ConnectionEnd> {
    for (;;) {
      if (this.#socket.end !== undefined) return this.#socket.end;
      await this.#woken();
    }
  }

  #flush(): void {
    const text = this.#unsent;
    this.#unsent = '';
    if (text !== '') this.#socket.write(text);
  }
}
