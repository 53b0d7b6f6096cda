/** The server behind all ports: one TLS context, one set of limits, and every open session. */
import type { Socket } from 'node:net';
import { clientAddress, isAllowedClient } from './client-address.ts';
import { createLineLimit } from './line-limit.ts';
import { createOncePerHour } from './once-per-hour.ts';
import { createSharedLimits, type SharedLimits } from './limits.ts';
import { formatReply } from '../smtp/server/format-reply.ts';
import { replies, type Reply } from '../replies.ts';
import { createTlsServer } from '../smtp/server/client-socket.ts';
import { Connection } from '../smtp/server/connection.ts';
import { whoGivesWay } from './giving-way.ts';
import { takeProxyHeader } from './proxy-header.ts';
import { startSession, settingsOf, type SessionControl } from './session.ts';
import type { SessionServices } from './state.ts';
import { noteTurnedAway } from './session-log.ts';
import { noSpans, type SpanSender } from '../tracing/span-sender.ts';
import { type UsageCounter, uncounted } from '../usage/counter.ts';

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
  /**
   * New handshakes use it; open sessions go on with the one before. Throws, and changes nothing, where the two do not
   * match.
   */
  readonly updateCertificate: (pair: KeyPair) => void;
  /** Messages from their DATA to their answer. */
  readonly inFlight: () => number;
  /** Says 421 to clients that are idle, lets messages under way end, and cuts off what is left after `deadlineMs`. */
  readonly drain: (deadlineMs: number) => Promise<void>;
}

export interface SubmissionServerOptions extends Omit<
  SessionServices,
  'limits' | 'lineLimit' | 'oldPasswords' | 'now' | 'monotonicNow' | 'usage' | 'spans'
> {
  readonly certificate: KeyPair;
  /** Default: of this server alone. */
  readonly limits?: SharedLimits;
  /** Default: nobody counts. */
  readonly usage?: UsageCounter;
  /** Default: nobody wants any. */
  readonly spans?: SpanSender;
  /**
   * Servers in other processes take as many connections: `session.connections` is divided among all. Default: 1, this
   * one.
   */
  readonly servers?: number;
  /** Time of day, in milliseconds; `Date.now` outside of tests. */
  readonly now?: () => number;
  /** `performance.now` outside of tests. */
  readonly monotonicNow?: () => number;
}

/** Deadlines are asked for all sessions at once: cheaper than a timer each, and exact enough. */
const DEADLINE_CHECK_MS = 250;

export function createSubmissionServer(options: SubmissionServerOptions): SubmissionServer {
  const { servers = 1, now = Date.now, monotonicNow = () => performance.now() } = options;
  const services: SessionServices = {
    ...options,
    now,
    monotonicNow,
    usage: options.usage ?? uncounted,
    spans: options.spans ?? noSpans,
    limits: options.limits ?? createSharedLimits({ now: monotonicNow }),
    lineLimit: createLineLimit({ log: options.log, now: monotonicNow }),
    oldPasswords: createOncePerHour({ now: monotonicNow }),
  };
  const { metrics, limits, lineLimit } = services;
  const tls = createTlsServer(options.certificate, (error) => {
    options.log.debug({ problem: error.message }, 'connection failed');
  });
  const sessions = new Set<SessionControl>();
  /** Connections of load balancers that have not said yet whose they are. */
  const unannounced = new Set<Socket>();
  let isDraining = false;
  let whenEmpty: () => void = () => undefined;
  const timer = setInterval(() => {
    for (const session of sessions) session.checkDeadlines();
    lineLimit.tell();
  }, DEADLINE_CHECK_MS);
  timer.unref();

  async function serve(socket: Socket, { implicitTls }: { implicitTls: boolean }): Promise<void> {
    // until there is a session, nobody else hears what becomes of it
    socket.on('error', () => undefined);
    const address = await addressOf(socket, { implicitTls });
    if (address === undefined) return;
    const turnAway = (reply: Reply): void => sendAway(socket, reply, { implicitTls, address });
    const objection = await limits.connections.open(address, settingsOf(services).connectionsPerSource);
    if (objection !== undefined) return turnAway(objection);
    // up to `sessions.add` in one go: those who come at the same time see each other
    const refusal = whyNotNow();
    if (refusal !== undefined || socket.destroyed) {
      limits.connections.close(address);
      if (refusal !== undefined) turnAway(refusal);
      return;
    }
    metrics.connections.inc();
    const conn = new Connection((onChange) => tls.attach(socket, { implicitTls, onChange }));
    const session = startSession(services, { conn, address });
    sessions.add(session);
    await session.ended;
    sessions.delete(session);
    limits.connections.close(address);
    metrics.connections.dec();
    if (sessions.size === 0) whenEmpty();
  }

  function whyNotNow(): Reply | undefined {
    if (isDraining) return replies.shutdown();
    return hasRoom() ? undefined : replies.connectionLimited();
  }

  function hasRoom(): boolean {
    return sessions.size + unannounced.size < most() || makeRoom();
  }

  function most(): number {
    return Math.max(1, Math.floor(settingsOf(services).connections / servers));
  }

  function makeRoom(): boolean {
    const session = whoGivesWay(sessions);
    session?.giveWay();
    return session !== undefined;
  }

  /**
   * The client's address, also behind a load balancer that is trusted to tell it; undefined where the connection has
   * ended over that.
   */
  async function addressOf(socket: Socket, { implicitTls }: { implicitTls: boolean }): Promise<string | undefined> {
    const peer = clientAddress(socket.remoteAddress);
    const { trustedProxies } = settingsOf(services);
    if (trustedProxies.length === 0 || !isAllowedClient(peer, trustedProxies)) return peer;
    if (unannounced.size >= most()) {
      sendAway(socket, replies.connectionLimited(), { implicitTls, address: peer });
      return undefined;
    }
    unannounced.add(socket);
    const client = await takeProxyHeader(socket);
    unannounced.delete(socket);
    if (client === 'gone') socket.destroy();
    else if ('problem' in client) sendAway(socket, replies.proxyHeader(client.problem), { implicitTls, address: peer });
    else return client.address ?? peer;
    return undefined;
  }

  function sendAway(socket: Socket, reply: Reply, client: { implicitTls: boolean; address: string }): void {
    noteTurnedAway(services, client.address, reply);
    // a client that waits for a TLS handshake cannot read a reply
    if (!client.implicitTls) socket.write(`${formatReply(reply)}\r\n`);
    socket.destroySoon();
  }

  async function drain(deadlineMs: number): Promise<void> {
    isDraining = true;
    for (const socket of unannounced) socket.destroy();
    const emptied = new Promise<void>((resolve) => {
      whenEmpty = resolve;
    });
    const deadline = setTimeout(() => {
      for (const session of sessions) session.abort('shutdown');
    }, deadlineMs);
    for (const session of sessions) session.drain();
    if (sessions.size > 0) await emptied;
    clearTimeout(deadline);
    clearInterval(timer);
  }

  return {
    connect: (socket) => void serve(socket, { implicitTls: false }),
    connectImplicitTls: (socket) => void serve(socket, { implicitTls: true }),
    updateCertificate: tls.updateCertificate,
    inFlight: () => [...sessions].filter((session) => session.hasMessage()).length,
    drain,
  };
}
