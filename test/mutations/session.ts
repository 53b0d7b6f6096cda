/** Of sessions: what a client may not do to the relay, or to others. */
import type { Mutation } from './mutation.ts';

const HOSTILE = ['test/relay/session-hostile.test.ts'];

export const sessionMutations: readonly Mutation[] = [
  {
    name: 'a client that reads no replies gets more of them',
    file: 'relay/smtp/connection.ts',
    from: 'return !this.isClosed && !this.#socket.isClogged;',
    to: 'return !this.isClosed;',
    tests: HOSTILE,
  },
  {
    name: 'lines of one client are worked off without a turn for others',
    file: 'relay/smtp/connection.ts',
    from: 'const LINES_AT_ONCE = 100;',
    to: 'const LINES_AT_ONCE = 1e9;',
    tests: HOSTILE,
  },
  {
    name: 'clients may renegotiate TLS',
    file: 'relay/smtp/client-socket.ts',
    from: '    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,\n',
    to: '    secureOptions: constants.SSL_OP_NO_TICKET,\n',
    tests: HOSTILE,
  },
  {
    name: 'a client is read from without end after our last reply',
    file: 'relay/smtp/client-socket.ts',
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
    from: 'services.room.refusal(unwritten, admitted.user.namespace)',
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
];
