/** Of the way to smart hosts: each takes away something that keeps mail, or a password, from where it does not belong. */
import type { Mutation } from './mutation.ts';

const FUZZ = ['test/relay/smtp-client-fuzz.test.ts'];
const TLS = ['test/relay/delivery-tls.test.ts'];
const TRANSACTION = ['test/relay/delivery-transaction.test.ts'];
const BROKEN = ['test/relay/delivery-broken.test.ts'];
const HOSTILE = ['test/relay/hostile-upstream.test.ts'];

export const deliveryMutations: readonly Mutation[] = [
  {
    name: 'with a password, Opportunistic verifies no certificate',
    file: 'relay/delivery/upstream.ts',
    from: "upstream.tls !== 'Opportunistic' || upstream.username !== undefined",
    to: "upstream.tls !== 'Opportunistic'",
    tests: TLS,
  },
  {
    name: 'with a password, Opportunistic goes on in the clear after a failed handshake',
    file: 'relay/delivery/upstream.ts',
    from: 'isForClearText && upstream.username === undefined',
    to: 'isForClearText',
    tests: TLS,
  },
  {
    name: 'Opportunistic gives up after a failed handshake',
    file: 'relay/delivery/upstream.ts',
    from: "first.at === 'handshake' && upstream.tls === 'Opportunistic'",
    to: 'false',
    tests: TLS,
  },
  {
    name: 'a password goes out in the clear',
    file: 'relay/smtp/client.ts',
    from: '!wire.isSecure() && !login.isForClearText',
    to: 'false',
    tests: [...TLS, 'test/relay/delivery.test.ts'],
  },
  {
    name: 'AUTH is tried where it is not offered',
    file: 'relay/smtp/client.ts',
    from: 'login.mechanisms.find((one) => mechanisms.has(one))',
    to: 'login.mechanisms[0]',
    tests: TLS,
  },
  {
    name: 'the words of a refused log-in are told',
    file: 'relay/smtp/client.ts',
    from: 'log-in refused with ${codesOf(reply)}',
    to: 'log-in refused with ${reply.text}',
    tests: ['test/relay/delivery-session.test.ts', 'test/relay/delivery.test.ts'],
  },
  {
    name: 'the certificate may be for any name',
    file: 'relay/delivery/upstream.ts',
    from: 'checkServerIdentity(name, certificate)',
    to: '(certificate === undefined ? checkServerIdentity(name, certificate) : undefined)',
    tests: ['test/relay/delivery.test.ts'],
  },
  {
    name: 'a closed idle connection costs an attempt',
    file: 'relay/delivery/upstream-pool.ts',
    from: "result.kind === 'broken' && !result.wasSent && learned === undefined",
    to: 'false',
    tests: TRANSACTION,
  },
  {
    name: 'a connection that breaks after the content is used to send it again at once',
    file: 'relay/delivery/upstream-pool.ts',
    from: "result.kind === 'broken' && !result.wasSent && learned === undefined",
    to: "result.kind === 'broken' && learned === undefined",
    tests: TRANSACTION,
  },
  {
    name: 'half a reply before the handshake counts under TLS',
    file: 'relay/smtp/wire.ts',
    from: 'if (parser.isMidReply()) breakOff',
    to: 'if (parser.isMidReply() && false) breakOff',
    tests: TLS,
  },
  {
    name: 'replies to nothing are kept for the next command',
    file: 'relay/smtp/wire.ts',
    from: '    } else if (broken === undefined) {\n',
    to: '    } else if (broken === undefined && reply.code !== 421) {\n      queue.push(reply);\n    } else if (broken === undefined) {\n',
    tests: [...TRANSACTION, ...FUZZ],
  },
  {
    name: 'replies may go on without end',
    file: 'relay/smtp/reply-parser.ts',
    from: 'bytes += end + 1 - from;',
    to: '',
    tests: ['relay/smtp/reply-parser.test.ts'],
  },
  {
    name: 'a read waits for ever',
    file: 'relay/smtp/wire.ts',
    from: 'at === Infinity ? undefined : setTimeout',
    to: 'at > 0 ? undefined : setTimeout',
    tests: HOSTILE,
  },
  {
    name: '250 to DATA is a go-ahead',
    file: 'relay/smtp/transaction.ts',
    from: "if (isYes(data)) giveUp(wire, 'no 354 to DATA');",
    to: '',
    tests: BROKEN,
  },
  {
    name: 'a go-ahead without a recipient is followed',
    file: 'relay/smtp/transaction.ts',
    from: "if (!isWanted) giveUp(wire, 'go-ahead without a recipient');",
    to: '',
    tests: [...BROKEN, ...FUZZ, ...TRANSACTION],
  },
  {
    name: 'a yes to content that was not through counts',
    file: 'relay/delivery/upstream-answers.ts',
    from: '!(isCutOff && content.code < 300)',
    to: 'true',
    tests: [...BROKEN, ...FUZZ],
  },
  {
    name: 'a connection in the middle of a content is used again',
    file: 'relay/smtp/transaction.ts',
    from: "if (draft.isCutOff) wire.breakOff('answered before the content was through');",
    to: '',
    tests: [...BROKEN, ...FUZZ],
  },
  {
    name: 'nothing is reset',
    file: 'relay/smtp/client.ts',
    from: 'needsReset = transcript.content === undefined || transcript.content.code >= 300;',
    to: '',
    tests: TRANSACTION,
  },
  {
    name: 'dots are not doubled',
    file: 'relay/smtp/dot-stuffing.ts',
    from: 'if (last === LF && piece[0] === DOT[0]) parts.push(DOT);',
    to: '',
    tests: ['relay/smtp/dot-stuffing.test.ts'],
  },
  {
    name: 'recipients that are refused count as delivered with the others',
    file: 'relay/delivery/upstream-answers.ts',
    from: 'if (!refused.has(address) && !excess.has(address)) verdicts.set(address, verdict);',
    to: 'verdicts.set(address, verdict);',
    tests: FUZZ,
  },
  {
    name: 'BDAT goes out before a recipient is taken',
    file: 'relay/smtp/transaction.ts',
    from: 'if (capabilities.chunking) return isWanted;',
    to: 'if (capabilities.chunking) return true;',
    tests: TRANSACTION,
  },
];
