/**
 * The socket of a client that submits mail. smtp-server looks after its life: STARTTLS with everything that can go
 * wrong in a handshake, errors of peers that are gone, the wait for the other side to close. Nothing else of that
 * library is used: its command parser, its handlers and its replies are never reached. No other file knows it, and
 * MEMBERS says what this one relies on.
 */
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { SMTPServer } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection';
import { SMTPStream } from 'smtp-server/lib/smtp-stream';
import { createInput, type Input } from './input.ts';

/** Of smtp-server, and not in its documentation: client-socket.test.ts asks for each by its name. */
export const MEMBERS = {
  /** Methods of a connection that we put our own in place of, and that the library has to go on calling. */
  overridden: ['_createParser', '_armTimeout', '_onError', '_onClose', 'upgrade', 'close'],
  called: ['_setListeners'],
  /** Fields of a connection. */
  read: ['_socket', '_parser', '_upgrading', '_closed', 'needsUpgrade'],
  /** What the library's connection asks of its parser. */
  parser: ['isClosed', '_flushData'],
} as const;

interface KeyPair {
  /** PEM, with the chain behind it. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

export interface TlsSession {
  /** `TLSv1.3` or `TLSv1.2`. */
  readonly protocol: string;
  readonly cipher: string;
}

/** What there is to know of how a connection ended. */
export interface ConnectionEnd {
  /** Where it ended in a TLS handshake: whether the client had begun its part. */
  readonly handshake: 'silent' | 'begun' | undefined;
  /** Code of the first error on it (`ECONNRESET`, `ERR_SSL_UNSUPPORTED_PROTOCOL`); undefined where it was simply closed. */
  readonly code: string | undefined;
}

/** What a client may still send after our last reply and have it read, so that no reset takes the reply from it. */
const LINGER_BYTES = 1024 * 1024;

/** Forward secrecy and AEAD only (RFC 9325 section 4.2). */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** What all connections have in common: the certificate. smtp-server never listens. */
export function createTlsServer({ cert, key }: KeyPair, onError: (error: Error) => void) {
  const server = new SMTPServer({
    cert,
    key,
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS,
    // a client that renegotiates again and again costs us far more than itself
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    logger: false,
  });
  // without a listener, the reset of a connection would end the process
  server.on('error', onError);
  return {
    /** `implicitTls`: the client speaks TLS from its first octet. `onChange`: see ClientSocket. */
    attach: (socket: Socket, options: { readonly implicitTls: boolean; readonly onChange: () => void }) =>
      new ClientSocket(server, socket, options),
    /** New handshakes use it; open connections go on. Throws, and changes nothing, where the two do not match. */
    updateCertificate: (pair: KeyPair): void => {
      // throws before smtp-server has thrown its context away
      createSecureContext({ cert: pair.cert, key: pair.key });
      server.updateSecureContext({ cert: pair.cert, key: pair.key });
    },
  };
}

/** Where the library would parse commands: keeps what the socket has, one chunk at a time. */
class Parser extends SMTPStream {
  readonly input: Input;

  constructor(onChange: () => void) {
    super();
    this.input = createInput(onChange);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding | 'buffer', next: () => void): void {
    if (this.isClosed) next();
    else this.input.add(chunk, next);
  }

  /** The library's name for the end of the input. A line without an end is no command. */
  override _flushData(): void {
    this.input.end();
  }
}

export class ClientSocket extends SMTPConnection {
  /** Called when there is something new: octets, room for replies, the end. */
  readonly #onChange: () => void;
  /** The outermost socket: during a handshake it is not `_socket` yet. */
  #outer: Socket;
  #octetsInClear = 0;
  #isLingering = false;
  #errorCode: string | undefined;
  /** Undefined in clear text. */
  tls: TlsSession | undefined;
  /** Undefined while it is open. */
  end: ConnectionEnd | undefined;

  constructor(
    server: SMTPServer,
    socket: Socket,
    { implicitTls, onChange }: { readonly implicitTls: boolean; readonly onChange: () => void },
  ) {
    super(server, socket);
    this.#onChange = onChange;
    this.#outer = socket;
    // the library then runs the handshake before anything is read
    this.needsUpgrade = implicitTls;
    // what goes wrong is told when it closes; without a listener it would end the process
    this.on('error', () => undefined);
  }

  /** Calls `done` when the client can be talked to: after the handshake, where TLS comes first. */
  open(done: () => void): void {
    this._setListeners(() => this.#ready(done));
  }

  /** The handshake after a reply to STARTTLS. What the client sent in clear text after the command is thrown away. */
  startTls(done: () => void): void {
    // what Node does about a client that goes away in a handshake depends on it
    this._socket.allowHalfOpen = false;
    this.upgrade(
      () => undefined,
      () => this.#ready(done),
    );
  }

  get input(): Input | undefined {
    return this._parser instanceof Parser ? this._parser.input : undefined;
  }

  /** Whether there are octets that nobody has read. */
  get hasUnread(): boolean {
    const parser = this._parser;
    if (!(parser instanceof Parser)) return false;
    return parser.input.length > 0 || parser.writableLength > parser.input.chunkLength;
  }

  write(text: string): void {
    // during a handshake, `_socket` is the raw socket: nothing may be written between the records
    if (!this._upgrading && this._socket.writable) this._socket.write(text, 'latin1');
  }

  /** The client does not read what it was sent. */
  get isClogged(): boolean {
    return this._socket.writableNeedDrain;
  }

  get isUpgrading(): boolean {
    return this._upgrading;
  }

  /** Says no more, and waits for the client to close its side: so many octets long, and five seconds at most. */
  override close(): void {
    super.close();
    if (this.#isLingering || this._upgrading || this._socket.destroyed) return;
    this.#isLingering = true;
    const socket = this._socket;
    const most = socket.bytesRead + LINGER_BYTES;
    // the library reads on, without an end
    socket.on('data', () => {
      if (socket.bytesRead > most) socket.pause();
    });
  }

  /** Ends the connection as soon as what was written is handed to the system. */
  closeAtOnce(): void {
    if (this._upgrading || this.isClogged) this.abort();
    else this._socket.destroySoon();
  }

  /** Ends the connection without a word. The outer socket, as destroying the inner one in a handshake crashes Node. */
  abort(): void {
    this.#outer.destroy();
  }

  /** The library calls this from its own constructor, and for the new parser after STARTTLS. */
  override _createParser(): Parser {
    return new Parser(() => this.#onChange());
  }

  /** The library calls this for both kinds of handshakes. */
  override upgrade(...callbacks: Parameters<SMTPConnection['upgrade']>): void {
    this.#octetsInClear = this._socket.bytesRead;
    super.upgrade(...callbacks);
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
    this.end ??= { handshake: this.#handshake(), code: this.#errorCode };
    super._onClose();
    this.#onChange();
  }

  #ready(done: () => void): void {
    const socket = this._socket;
    this.tls = tlsOf(socket);
    socket.on('drain', this.#onChange);
    // who has sent its last octet still waits for our answer
    socket.allowHalfOpen = true;
    done();
  }

  #handshake(): ConnectionEnd['handshake'] {
    if (!this._upgrading) return undefined;
    // until the end of the handshake this is the raw socket
    return this._socket.bytesRead > this.#octetsInClear ? 'begun' : 'silent';
  }
}

/**
 * To be asked in time: a closed socket does not remember, and one closed in the handshake never knew (null, despite its
 * type).
 */
function tlsOf(socket: Socket): TlsSession | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const cipher: { readonly name: string } | null = socket.getCipher();
  return { protocol: socket.getProtocol() ?? 'unknown', cipher: cipher?.name ?? 'unknown' };
}
