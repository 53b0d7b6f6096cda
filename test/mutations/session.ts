/** Of sessions: what a client may not do to the relay, or to others. */
import type { Mutation } from './mutation.ts';

const HOSTILE = ['test/relay/session-hostile.test.ts'];

const DIALOGUES = ['test/relay/dialogs.test.ts'];
const PLACES = ['test/relay/session-places.test.ts'];
const PROXIED = ['test/relay/proxied.test.ts'];
const SCANNER = ['relay/smtp/server/data-scanner.test.ts'];
export const sessionMutations: readonly Mutation[] = [
  {
    name: 'a client that reads no replies gets more of them',
    file: 'relay/smtp/server/connection.ts',
    from: 'return !this.isClosed && !this.#socket.isClogged;',
    to: 'return !this.isClosed;',
    tests: HOSTILE,
  },
  {
    name: 'lines of one client are worked off without a turn for others',
    file: 'relay/smtp/server/connection.ts',
    from: 'const LINES_AT_ONCE = 100;',
    to: 'const LINES_AT_ONCE = 1e9;',
    tests: HOSTILE,
  },
  {
    name: 'clients may renegotiate TLS',
    file: 'relay/smtp/server/client-socket.ts',
    from: '    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,\n',
    to: '    secureOptions: constants.SSL_OP_NO_TICKET,\n',
    tests: HOSTILE,
  },
  {
    name: 'a client is read from without end after our last reply',
    file: 'relay/smtp/server/client-socket.ts',
    from: 'if (socket.bytesRead > most) socket.pause();',
    to: 'if (socket.bytesRead < 0) socket.pause();',
    tests: HOSTILE,
  },
  {
    name: 'the share of a namespace in the spool has no bound',
    file: 'relay/spool/shares.ts',
    from: '      if (percent() >= 100) return true;\n',
    to: '      if (percent() >= 0) return true;\n',
    tests: ['test/relay/spool-shares.test.ts'],
  },
  {
    name: 'sessions do not ask for room in the name of their namespace',
    file: 'relay/submission/data.ts',
    from: 'services.room.refusal(unwritten, queuedFor(admitted))',
    to: "services.room.refusal(unwritten, '')",
    tests: ['test/relay/session-room.test.ts'],
  },
  {
    name: 'AUTH is taken in clear text',
    file: 'relay/submission/auth.ts',
    from: '  if (!mayUseClearText(session)) return replies.tlsRequiredForAuth();\n',
    to: '',
    tests: ['test/relay/dialogs.test.ts', 'test/relay/session.test.ts'],
  },
  {
    name: 'replies to pipelined commands leave one by one',
    file: 'relay/smtp/server/connection.ts',
    from: "if (this.#unsent === '') process.nextTick(() => this.#flush());",
    to: 'queueMicrotask(() => this.#flush());',
    tests: ['relay/smtp/server/connection.test.ts'],
  },
  {
    name: 'a half-closed client hears nothing',
    file: 'relay/smtp/server/client-socket.ts',
    from: 'socket.allowHalfOpen = true;',
    to: 'socket.allowHalfOpen = false;',
    tests: HOSTILE,
  },
  {
    name: '250 does not wait for what takes responsibility',
    file: 'relay/submission/data.ts',
    from: 'const reply = await services.accept(message, { head, body: received.body });',
    to: 'const reply = replies.accepted(message.id);\n  void services.accept(message, { head, body: received.body });',
    tests: HOSTILE,
  },
  {
    name: 'data sent before 354 is taken',
    file: 'relay/submission/data.ts',
    from: 'const isEarly = session.conn.hasUnread;',
    to: 'const isEarly = false;',
    tests: DIALOGUES,
  },
  {
    name: 'what was said before STARTTLS counts after it',
    file: 'relay/submission/commands.ts',
    from: 'if (conn.tls !== undefined) startAfresh(session);',
    to: '',
    tests: DIALOGUES,
  },
  {
    name: 'commands behind refused data are run',
    file: 'relay/submission/receive.ts',
    from: 'return scanner.hasBareNewline || !scanner.ended ? { ...received, close: true } : received;',
    to: 'return received;',
    tests: DIALOGUES,
  },
  {
    name: 'a line of any length is taken',
    file: 'relay/submission/receive.ts',
    from: 'return longestLine > lineBytes ? replies.lineTooLong(lineBytes) : undefined;',
    to: 'return longestLine > lineBytes * 1e6 ? replies.lineTooLong(lineBytes) : undefined;',
    tests: HOSTILE,
  },
  {
    name: 'nobody makes room',
    file: 'relay/submission/server.ts',
    from: 'session?.giveWay();\n    return session !== undefined;',
    to: 'return session === undefined && false;',
    tests: PLACES,
  },
  {
    name: 'a load balancer is not asked whose connection it brings',
    file: 'relay/submission/server.ts',
    from: 'else return client.address ?? peer;',
    to: 'else return peer;',
    tests: PROXIED,
  },
  {
    name: 'anybody may say whose connection it is',
    file: 'relay/submission/server.ts',
    from: 'if (trustedProxies.length === 0 || !isAllowedClient(peer, trustedProxies)) return peer;',
    to: 'if (trustedProxies.length === 0) return peer;',
    tests: PROXIED,
  },
  {
    name: 'what follows a PROXY header is lost',
    file: 'relay/submission/proxy-header.ts',
    from: 'if (octets.length > reading.length) socket.unshift(octets.subarray(reading.length));',
    to: '',
    tests: PROXIED,
  },
  {
    name: 'a bare LF starts a line',
    file: 'relay/smtp/server/data-scanner.ts',
    from: 'if (lf > 0 && cr === lf - 1) return lf + 1;',
    to: 'if (lf !== -1) return lf + 1;',
    tests: SCANNER,
  },
  {
    name: 'a dot before more text ends the data',
    file: 'relay/smtp/server/data-scanner.ts',
    from: "this.ended = text.startsWith('\\r\\n', at + 1);",
    to: "this.ended = text.startsWith('\\r', at + 1);",
    tests: SCANNER,
  },
];
