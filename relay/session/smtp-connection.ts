/**
 * What we take of smtp-server: the life of a socket (STARTTLS with everything that can go wrong in a handshake, the half
 * close, errors of peers that are gone). Every word of the protocol is ours: its command parser, its handlers and its
 * replies are never reached, so its extensions, joke verbs and lenient readings do not exist here.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { SMTPServer } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection';
import type { TlsSession } from './state.ts';
import { type DataSink, type LineHandler, SessionInput } from './input.ts';

export interface ConnectionHandler extends Omit<LineHandler, 'writable'> {
  /** The connection can be written to: after the handshake, where TLS comes first. */
  readonly opened: () => void;
  /** STARTTLS is done: nothing the client said before counts any more (RFC 3207 section 4.2). */
  readonly secured: () => void;
  readonly closed: (end: ConnectionEnd) => void;
  /** A fault of our own, which ends the connection. */
  readonly failed: (error: Error) => void;
}

/** What there is to know of how a connection ended. */
export interface ConnectionEnd {
  /** Where it ended in a TLS handshake: whether the client had begun its part. */
  readonly handshake: 'silent' | 'begun' | undefined;
  /** Of the first error on it (`ECONNRESET`, `ERR_SSL_UNSUPPORTED_PROTOCOL`); undefined where it was simply closed. */
  readonly code: string | undefined;
}

export class SubmissionConnection extends SMTPConnection {
  readonly #handler: ConnectionHandler;
  /** The outermost socket: during a handshake it is not `_socket` yet. */
  #outer: Socket;
  #tls: TlsSession | undefined;
  #unsent = '';
  #errorCode: string | undefined;
  #octetsInClear = 0;

  /** `implicitTls`: the client speaks TLS from its first octet. */
  constructor(
    server: SMTPServer,
    socket: Socket,
    { handler, implicitTls }: { handler: ConnectionHandler; implicitTls: boolean },
  ) {
    super(server, socket);
    this.#handler = handler;
    this.#outer = socket;
    // the library then runs the handshake before anything is read, and starts us after it
    this.needsUpgrade = implicitTls;
  }

  /** No wait, no reverse lookup. */
  override init(): void {
    this._setListeners(() => {
      this.#noteTls();
      this.#handler.opened();
    });
  }

  /** Sends reply lines. Those of pipelined commands leave together, when this turn of the event loop ends. */
  reply(text: string): void {
    if (this.#unsent === '') process.nextTick(() => this.#flush());
    this.#unsent += `${text}\r\n`;
  }

  /** The handshake after a reply to STARTTLS. What the client sent in clear text after the command is thrown away. */
  startTls(): void {
    this.#flush();
    this.upgrade(
      () => undefined,
      () => {
        this.#noteTls();
        this.#handler.secured();
      },
    );
  }

  /** The library calls this for both kinds of handshakes. */
  override upgrade(...callbacks: Parameters<SMTPConnection['upgrade']>): void {
    this.#octetsInClear = this._socket.bytesRead;
    super.upgrade(...callbacks);
  }

  override close(): void {
    this.#flush();
    super.close();
  }

  readData(sink: DataSink): void {
    this.#input()?.readData(sink);
  }

  /** Whether the client sent more than it has had answers to. */
  get hasUnread(): boolean {
    return this.#input()?.hasUnread ?? false;
  }

  get isUpgrading(): boolean {
    return this._upgrading;
  }

  /** Undefined in clear text. */
  get tls(): TlsSession | undefined {
    return this.#tls;
  }

  /** Ends the connection without a word. The outer socket, as destroying the inner one in a handshake crashes Node. */
  abort(): void {
    this.#outer.destroy();
  }

  /** The library calls this from its own constructor, and for the new parser after STARTTLS. */
  override _createParser(): SessionInput {
    const input = new SessionInput({
      lineMax: () => this.#handler.lineMax(),
      line: (line) => this.#handler.line(line),
      badLine: () => this.#handler.badLine(),
      writable: () => this.#writable(),
    });
    input.on('error', (error) => {
      this.#handler.failed(error);
      this.abort();
    });
    return input;
  }

  /** An idle timer that any octet resets protects nothing: sessions have deadlines. */
  override _armTimeout(socket: Socket = this._socket): void {
    this.#outer = socket;
  }

  /** The library calls this for whatever goes wrong with a socket, handshakes included, and then closes it. */
  override _onError(error: Error): void {
    this.#errorCode ??= 'code' in error ? String(error.code) : error.name;
    super._onError(error);
  }

  override _onClose(): void {
    const isFirst = !this._closed;
    const end = { handshake: this.#handshake(), code: this.#errorCode };
    super._onClose();
    if (isFirst) this.#handler.closed(end);
  }

  /** Now, as a closed socket does not remember; one that was closed in the handshake never knew (null, despite its type). */
  #noteTls(): void {
    const socket = this._socket;
    if (!(socket instanceof TLSSocket)) return;
    const cipher: { readonly name: string } | null = socket.getCipher();
    this.#tls = { protocol: socket.getProtocol() ?? 'unknown', cipher: cipher?.name ?? 'unknown' };
  }

  #handshake(): ConnectionEnd['handshake'] {
    if (!this._upgrading) return undefined;
    // until the end of the handshake this is the raw socket
    return this._socket.bytesRead > this.#octetsInClear ? 'begun' : 'silent';
  }

  #flush(): void {
    const text = this.#unsent;
    this.#unsent = '';
    // during a handshake, `_socket` is the raw socket: nothing may be written between the records
    if (text !== '' && !this._upgrading && this._socket.writable) this._socket.write(text, 'latin1');
  }

  #input(): SessionInput | undefined {
    return this._parser instanceof SessionInput ? this._parser : undefined;
  }

  /** A client that does not read its replies gets no more of them. */
  #writable(): Promise<void> | undefined {
    const socket = this._socket;
    if (!socket.writableNeedDrain || socket.destroyed) return undefined;
    return new Promise((resolve) => {
      const done = () => {
        socket.off('drain', done).off('close', done);
        resolve();
      };
      socket.on('drain', done).on('close', done);
    });
  }
}
