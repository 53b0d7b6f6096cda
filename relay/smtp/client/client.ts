/**
 * Our client of one server: introduces itself, and hands over one message after another (RFC 5321, RFC 3207, RFC 4954).
 */
import type { ConnectionOptions } from 'node:tls';
import { type Capabilities, NO_CAPABILITIES, readCapabilities } from './capabilities.ts';
import { exchangeOf, type ClientLogin, type MechanismName } from './sasl.ts';
import type { ServerReply } from './reply-parser.ts';
import { type Mail, type ServerSession, transact, type Transcript } from './transaction.ts';
import { BY_OWNER, ConnectionBroken, type Deadline, type Wire, within } from './wire.ts';

export interface Introduction {
  /** Our name in EHLO. */
  readonly name: string;
  /** `Required` and `Possible` are STARTTLS; with the latter, a server that does not offer it is spoken to in the clear. */
  readonly tls: 'Implicit' | 'Required' | 'Possible' | 'None';
  readonly tlsOptions: ConnectionOptions;
  readonly handshakeDeadline: Deadline;
  readonly login?: ClientLogin & {
    /** In the order of preference. */
    readonly mechanisms: readonly MechanismName[];
    /** Also over a connection without TLS. */
    readonly isForClearText: boolean;
  };
}

export interface SmtpClient {
  readonly capabilities: Capabilities;
  /** Messages sent so far. */
  count(): number;
  isOpen(): boolean;
  send(mail: Mail, times: ServerSession['times']): Promise<Transcript>;
  /** Says QUIT where nothing is under way; a server that does not answer is left anyway. */
  close(): void;
}

/** Why a server could not be made ready for mail. Its words are left out from the log-in on: it may repeat a password. */
export interface NotReady {
  readonly problem: string;
  readonly at: 'greeting' | 'handshake' | 'login';
  /** The reply to the log-in, where that was refused. */
  readonly loginCode?: number;
}

const QUIT_WAIT_SECONDS = 1;
/** RFC 4954 section 6. */
const LOGGED_OUT: ReadonlySet<number> = new Set([530, 535]);

/** RFC 5321 section 4.5.3.1.4; a longer first response goes without AUTH (RFC 4954 section 4). */
const COMMAND_MAX = 512;

/** The server is there, and does not want us, or we do not want it. */
class Unwanted extends Error {}

class LoginRefused extends Unwanted {
  readonly code: number;

  constructor(reply: ServerReply) {
    super(`log-in refused with ${codesOf(reply)}`);
    this.code = reply.code;
  }
}

/** From the greeting to the log-in. How long it may take is the caller's to see to, by `wire.breakOff`. */
export async function introduce(wire: Wire, introduction: Introduction): Promise<SmtpClient | NotReady> {
  const { tls, tlsOptions, handshakeDeadline, login } = introduction;
  let at: NotReady['at'] = 'greeting';
  try {
    if (tls === 'Implicit') {
      at = 'handshake';
      await wire.startTls(tlsOptions, handshakeDeadline);
      at = 'greeting';
    }
    await hearGreeting(wire);
    let capabilities = await sayHello(wire, introduction.name);
    if (tls === 'Required' || (tls === 'Possible' && capabilities.startTls)) {
      at = 'handshake';
      if (await startTls(wire, introduction)) capabilities = await sayHello(wire, introduction.name);
    }
    at = 'login';
    if (login !== undefined) await logIn(wire, capabilities, login);
    return ready(wire, capabilities);
  } catch (error) {
    if (error instanceof LoginRefused) return { problem: error.message, at, loginCode: error.code };
    if (error instanceof Unwanted) return { problem: error.message, at };
    if (error instanceof ConnectionBroken) {
      return { problem: at === 'login' ? 'connection lost during log-in' : error.message, at };
    }
    throw error;
  }
}

async function hearGreeting(wire: Wire): Promise<void> {
  const { code, text } = await wire.readReply(BY_OWNER);
  if (code !== 220) throw new Unwanted(text);
}

async function sayHello(wire: Wire, name: string): Promise<Capabilities> {
  const extended = await ask(wire, `EHLO ${name}`);
  if (extended.code === 250) return readCapabilities(extended.text);
  const { code, text } = extended.code >= 500 ? await ask(wire, `HELO ${name}`) : extended;
  if (code !== 250) throw new Unwanted(text);
  return NO_CAPABILITIES;
}

/** Whether there is TLS now; throws where there must be. */
async function startTls(wire: Wire, { tls, tlsOptions, handshakeDeadline }: Introduction): Promise<boolean> {
  const { code, text } = await ask(wire, 'STARTTLS');
  if (code === 220) {
    await wire.startTls(tlsOptions, handshakeDeadline);
    return true;
  }
  if (tls === 'Required') throw new Unwanted(text);
  return false;
}

async function logIn(
  wire: Wire,
  { mechanisms }: Capabilities,
  login: NonNullable<Introduction['login']>,
): Promise<void> {
  if (!wire.isSecure() && !login.isForClearText)
    throw new Unwanted('no TLS, and the password is not sent in the clear');
  const mechanism = login.mechanisms.find((one) => mechanisms.has(one));
  if (mechanism === undefined) throw new Unwanted(objectionTo(mechanisms, login.mechanisms));
  const exchange = exchangeOf(mechanism, login);
  const { initial } = exchange;
  const withInitial = `AUTH ${mechanism} ${initial?.toString('base64')}`;
  const isAhead = initial !== undefined && withInitial.length + 2 <= COMMAND_MAX;
  let reply = await ask(wire, isAhead ? withInitial : `AUTH ${mechanism}`);
  if (!isAhead && initial !== undefined && reply.code === 334) reply = await ask(wire, initial.toString('base64'));
  while (reply.code === 334) {
    const next = exchange.answer(Buffer.from(reply.text.slice('334 '.length), 'base64'));
    reply = await ask(wire, next === undefined ? '*' : next.toString('base64'));
    if (next === undefined) break;
  }
  if (reply.code !== 235) throw new LoginRefused(reply);
}

function objectionTo(offered: ReadonlySet<string>, wanted: readonly MechanismName[]): string {
  const words = offered.size === 0 ? 'no AUTH' : `AUTH by ${[...offered].slice(0, 10).join(', ')} only`;
  return `cannot log in: the server offers ${words}, and what is set is ${wanted.join(' or ')}`;
}

/** The words may repeat what was sent, and that was the password. */
function codesOf({ code, text }: ServerReply): string {
  const [, enhanced] = /^[0-9]{3}[ -]([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9])/.exec(text) ?? [];
  return enhanced === undefined ? String(code) : `${code} ${enhanced}`;
}

function ready(wire: Wire, capabilities: Capabilities): SmtpClient {
  let count = 0;
  let isBusy = false;
  let needsReset = false;
  return {
    capabilities,
    count: () => count,
    isOpen: () => wire.isOpen(),
    send: async (mail, times) => {
      count++;
      isBusy = true;
      try {
        const transcript = await transact({ wire, capabilities, times, needsReset }, mail);
        // RFC 5321 section 4.1.1.4: only a transaction that reached its end leaves nothing behind
        needsReset = transcript.content === undefined || transcript.content.code >= 300;
        // it has forgotten who we are, as when an access token has ended: the next connection says it again
        if (LOGGED_OUT.has(transcript.mail?.code ?? 0)) wire.breakOff('logged out');
        return transcript;
      } catch (error) {
        // a fault of ours: nobody knows where in the transaction the server is
        wire.breakOff('given up');
        throw error;
      } finally {
        isBusy = false;
      }
    },
    close: () => {
      if (isBusy || !wire.isOpen()) return wire.breakOff('connection closed');
      ask(wire, 'QUIT', within(QUIT_WAIT_SECONDS)).then(
        () => wire.breakOff('connection closed'),
        () => {},
      );
    },
  };
}

function ask(wire: Wire, command: string, deadline: Deadline = BY_OWNER): Promise<ServerReply> {
  wire.write([`${command}\r\n`], 1);
  return wire.readReply(deadline);
}
