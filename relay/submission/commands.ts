/** The commands of a session. What is not here does not exist: no EXPN, no XCLIENT, no BDAT, no jokes. */
import { auth, MECHANISMS } from './auth.ts';
import type { RelayConfig } from '../config/config.ts';
import { data } from './data.ts';
import { mail, rcpt } from './mail.ts';
import { replies, type Answer, type Stage } from '../replies.ts';
import { abandonTransaction, mayUseClearText, ok, startAfresh, type Session } from './state.ts';

interface Command {
  readonly stage: Stage;
  /** Undefined: the client has its answer already. */
  readonly run: (session: Session, text: string) => Answer | Promise<Answer | undefined>;
  readonly needsHelo?: boolean;
  /** Sees octets above ASCII, one character each, and says what is wrong with them. */
  readonly readsEightBit?: boolean;
}

const COMMANDS = new Map<string, Command>([
  ['EHLO', { stage: 'command', run: (session, text) => helo(session, text, true) }],
  ['HELO', { stage: 'command', run: (session, text) => helo(session, text, false) }],
  ['STARTTLS', { stage: 'command', run: startTls }],
  ['AUTH', { stage: 'auth', run: auth, needsHelo: true }],
  ['MAIL', { stage: 'mail', run: mail, needsHelo: true, readsEightBit: true }],
  ['RCPT', { stage: 'rcpt', run: rcpt, needsHelo: true, readsEightBit: true }],
  ['DATA', { stage: 'data', run: data, needsHelo: true }],
  ['RSET', { stage: 'command', run: reset }],
  ['NOOP', { stage: 'command', run: () => ok('Ok') }],
  ['QUIT', { stage: 'command', run: quit }],
  // the same for every address: RFC 5321 section 7.3
  ['VRFY', { stage: 'command', run: vrfy, readsEightBit: true }],
  ['HELP', { stage: 'command', run: () => ({ code: 214, enhanced: '2.0.0', lines: ['See RFC 5321 and RFC 6409'] }) }],
]);

/** The first words of a load balancer that nobody has said to be trusted, and then a session that is not its own. */
const PROXY = 'PROXY';

/**
 * After these no line can be trusted to be a command: the octets of a chunk follow a BDAT, and a browser that a web page
 * made talk to us (cross-protocol request) sends what that page likes after its request line.
 */
const CLOSING = new Set([
  'BDAT',
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'HOST:',
]);

const PRINTABLE = /^[\x20-\x7e]*$/;
/** RFC 5321 section 4.5.3.1.2. */
const HELO_MAX = 255;

interface Outcome {
  readonly stage: Stage;
  readonly answer: Answer | undefined;
}

/** Runs a command line, which has no control characters. */
export async function runCommand(session: Session, line: string): Promise<Outcome> {
  const space = line.indexOf(' ');
  const name = (space === -1 ? line : line.slice(0, space)).toUpperCase();
  const text = space === -1 ? '' : line.slice(space + 1);
  const command = COMMANDS.get(name);
  if (command === undefined) {
    return { stage: 'command', answer: notACommand(session, name) };
  }
  const { stage, run, needsHelo = false, readsEightBit = false } = command;
  if (!readsEightBit && !PRINTABLE.test(line)) return { stage: 'command', answer: replies.badLine() };
  if (needsHelo && session.helo === undefined) return { stage, answer: replies.badSequence('Send EHLO first') };
  return { stage, answer: await run(session, withoutFinalSpaces(text)) };
}

function notACommand({ address }: Session, name: string): Answer {
  if (name === PROXY) return { ...replies.proxyUntrusted(address), close: true };
  return CLOSING.has(name) ? { ...replies.notImplemented(), close: true } : replies.unknownCommand();
}

/** Removes ASCII spaces only: 0xA0 is the end of a letter in UTF-8. */
function withoutFinalSpaces(text: string): string {
  let end = text.length;
  while (text[end - 1] === ' ') end--;
  return text.slice(0, end);
}

function helo(session: Session, name: string, isExtended: boolean): Answer {
  if (name === '' || name.includes(' ') || name.length > HELO_MAX) {
    return replies.badArgument(`Syntax: ${isExtended ? 'EHLO' : 'HELO'} hostname`);
  }
  session.helo = { name, isExtended };
  abandonTransaction(session);
  const config = session.services.config();
  const hostname = config?.class.hostname ?? session.services.hostname;
  return isExtended ? { code: 250, lines: [hostname, ...extensions(session, config)] } : ok(hostname);
}

/** CHUNKING and REQUIRETLS are missing on purpose: we could not keep what they promise. */
function extensions(session: Session, config: RelayConfig | undefined): string[] {
  const mayLogIn = session.login === undefined && mayUseClearText(session);
  const size = config === undefined ? 'SIZE' : `SIZE ${largestMessage(config)}`;
  return [
    'PIPELINING',
    size,
    '8BITMIME',
    ...(config?.class.smtputf8 === 'Allow' ? ['SMTPUTF8'] : []),
    'ENHANCEDSTATUSCODES',
    'DSN',
    ...(session.conn.tls === undefined ? ['STARTTLS'] : []),
    ...(mayLogIn ? [`AUTH ${MECHANISMS.map(({ name }) => name).join(' ')}`] : []),
  ];
}

const largest = new WeakMap<RelayConfig, number>();

/** EHLO mostly comes before the log-in, when we cannot know whose limit holds: the most that anybody may send. */
function largestMessage(config: RelayConfig): number {
  let most = largest.get(config);
  if (most === undefined) {
    most = 0;
    for (const user of config.users.values()) most = Math.max(most, user.limits.messageBytes);
    largest.set(config, most);
  }
  return most;
}

async function startTls(session: Session, text: string): Promise<Answer | undefined> {
  const { conn } = session;
  if (text !== '') return replies.badArgument('Syntax: STARTTLS');
  if (conn.tls !== undefined) return replies.badSequence('TLS is already active');
  conn.reply({ code: 220, enhanced: '2.0.0', lines: ['Ready to start TLS'] });
  await conn.startTls();
  // RFC 3207 section 4.2: nothing that was said in clear text counts after the handshake
  if (conn.tls !== undefined) startAfresh(session);
  return undefined;
}

function vrfy(): Answer {
  return { code: 252, enhanced: '2.5.0', lines: ['Cannot verify, will try'] };
}

function reset(session: Session, text: string): Answer {
  if (text !== '') return replies.badArgument('Syntax: RSET');
  abandonTransaction(session);
  return ok('Ok');
}

function quit(_: Session, text: string): Answer {
  if (text !== '') return replies.badArgument('Syntax: QUIT');
  return { code: 221, enhanced: '2.0.0', lines: ['Bye'], close: true };
}
