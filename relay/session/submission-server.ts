/** The server behind all ports: one TLS context, one set of limits, and every session that is open. */
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { SMTPServer } from 'smtp-server';
import { clientAddress } from './client-address.ts';
import { createIncomingRoom } from './incoming-room.ts';
import { createLineLimit } from './line-limit.ts';
import { createSharedLimits } from './limits.ts';
import { formatReply, replies, type Reply } from '../replies.ts';
import { createSession, settingsOf, type SessionControl } from './session.ts';
import type { SessionServices } from './state.ts';
import { noteTurnedAway } from './session-log.ts';
import { type ConnectionEnd, SubmissionConnection } from './smtp-connection.ts';

interface KeyPair {
  /** PEM, with the chain behind it. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

export interface SubmissionServer {
  /** Takes a connection that starts in clear text. */
  readonly connect: (socket: Socket) => void;
  /** Takes a connection that starts with a TLS handshake. */
  readonly connectImplicitTls: (socket: Socket) => void;
  /** New handshakes use it; open sessions go on with the one before. Throws, and changes nothing, where the two do not match. */
  readonly updateCertificate: (pair: KeyPair) => void;
  /** Messages from their DATA to their answer. */
  readonly inFlight: () => number;
  /** Says 421 to clients that are idle, lets messages under way end, and cuts off what is left after `deadlineMs`. */
  readonly drain: (deadlineMs: number) => Promise<void>;
}

export interface SubmissionServerOptions extends Omit<
  SessionServices,
  'limits' | 'lineLimit' | 'room' | 'now' | 'monotonicNow'
> {
  readonly certificate: KeyPair;
  /** Whether the spool's disk has room, as it was when the spool looked last. */
  readonly spoolHasRoom: (bytes: number) => boolean;
  /** Time of day, in milliseconds; `Date.now` outside of tests. */
  readonly now?: () => number;
  /** `performance.now` outside of tests. */
  readonly monotonicNow?: () => number;
}

/** Deadlines are asked for all sessions at once: cheaper than a timer each, and exact enough. */
const DEADLINE_CHECK_MS = 250;

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

export function createSubmissionServer(options: SubmissionServerOptions): SubmissionServer {
  const { now = Date.now, monotonicNow = () => performance.now() } = options;
  const services: SessionServices = {
    ...options,
    now,
    monotonicNow,
    limits: createSharedLimits({ now: monotonicNow }),
    lineLimit: createLineLimit({ log: options.log, now: monotonicNow }),
    room: createIncomingRoom(options.spoolHasRoom),
  };
  const { metrics, limits, lineLimit } = services;
  const smtp = createTransport(options);
  const sessions = new Map<SubmissionConnection, SessionControl>();
  let isDraining = false;
  let whenEmpty: () => void = () => undefined;
  const timer = setInterval(() => {
    for (const session of sessions.values()) session.checkDeadlines();
    lineLimit.tell();
  }, DEADLINE_CHECK_MS);
  timer.unref();

  function admit(socket: Socket, { implicitTls }: { implicitTls: boolean }): void {
    const address = clientAddress(socket.remoteAddress);
    if (isDraining) return turnAway(socket, replies.shutdown(), { implicitTls });
    if (!limits.connections.open(address, settingsOf(services))) {
      return turnAway(socket, replies.connectionLimited(), { implicitTls });
    }
    metrics.connections.inc();
    const control = createSession(services, { connection: () => connection, address });
    const handler = { ...control.handler, closed: (end: ConnectionEnd) => forget(control, address, end) };
    const connection: SubmissionConnection = new SubmissionConnection(smtp, socket, { handler, implicitTls });
    sessions.set(connection, control);
    // told when it closes; without a listener it would end the process
    connection.on('error', () => undefined);
    connection.init();

    function forget(session: SessionControl, source: string, end: ConnectionEnd): void {
      session.handler.closed(end);
      sessions.delete(connection);
      limits.connections.close(source);
      metrics.connections.dec();
      if (sessions.size === 0) whenEmpty();
    }
  }

  function turnAway(socket: Socket, reply: Reply, { implicitTls }: { implicitTls: boolean }): void {
    noteTurnedAway(services, clientAddress(socket.remoteAddress), reply);
    socket.on('error', () => undefined);
    // a client that waits for a TLS handshake cannot read a reply
    if (!implicitTls) socket.write(`${formatReply(reply)}\r\n`);
    socket.destroySoon();
  }

  async function drain(deadlineMs: number): Promise<void> {
    isDraining = true;
    const emptied = new Promise<void>((resolve) => {
      whenEmpty = resolve;
    });
    const deadline = setTimeout(() => {
      for (const session of sessions.values()) session.abort('shutdown');
    }, deadlineMs);
    for (const session of sessions.values()) session.drain();
    if (sessions.size > 0) await emptied;
    clearTimeout(deadline);
    clearInterval(timer);
  }

  return {
    connect: (socket) => admit(socket, { implicitTls: false }),
    connectImplicitTls: (socket) => admit(socket, { implicitTls: true }),
    updateCertificate: ({ cert, key }) => {
      // throws before smtp-server has thrown its context away
      createSecureContext({ cert, key });
      smtp.updateSecureContext({ cert, key });
    },
    inFlight: () => [...sessions.values()].filter((session) => session.hasMessage()).length,
    drain,
  };
}

/** smtp-server, for its TLS contexts and its sockets; it never listens, and none of its commands is reached. */
function createTransport({ certificate: { cert, key }, log }: SubmissionServerOptions): SMTPServer {
  const smtp = new SMTPServer({
    cert,
    key,
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS,
    // a client that renegotiates again and again costs us far more than itself
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    logger: false,
  });
  // without a listener, the reset of a connection would end the process
  smtp.on('error', (error: Error) => log.debug({ problem: error.message }, 'connection failed'));
  return smtp;
}
