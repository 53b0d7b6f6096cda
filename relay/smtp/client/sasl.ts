/** How our client logs in, by SASL mechanism. */
import { createHmac } from 'node:crypto';

export type MechanismName = 'PLAIN' | 'LOGIN' | 'CRAM-MD5' | 'XOAUTH2' | 'OAUTHBEARER';

export interface ClientLogin {
  readonly user: string;
  /** Password, or the access token of OAuth 2.0. */
  readonly secret: string;
  /** The server's host, as the client knows it. */
  readonly host: string;
  readonly port: number;
}

export interface Exchange {
  /** What is said first, where the client speaks first. */
  readonly initial?: Buffer;
  /** To each challenge, in their order; undefined where no answer is left, and the exchange is to be cancelled. */
  answer(challenge: Buffer): Buffer | undefined;
}

const EXCHANGES: Readonly<Record<MechanismName, (login: ClientLogin) => Exchange>> = {
  /** RFC 4616. */
  PLAIN: ({ user, secret }) => inTurn(Buffer.from(`\0${user}\0${secret}`)),
  /** No standard, but two prompts in this order everywhere. */
  LOGIN: ({ user, secret }) => {
    const answers = [Buffer.from(user), Buffer.from(secret)];
    return { answer: () => answers.shift() };
  },
  /** RFC 2195. */
  'CRAM-MD5': ({ user, secret }) => {
    let isAnswered = false;
    return {
      answer: (challenge) => {
        if (isAnswered) return undefined;
        isAnswered = true;
        return Buffer.from(`${user} ${createHmac('md5', secret).update(challenge).digest('hex')}`);
      },
    };
  },
  /** A mechanism of Google and Microsoft. A failure comes as a challenge, which wants an empty line before the last reply. */
  XOAUTH2: ({ user, secret }) => inTurn(Buffer.from(`user=${user}\x01auth=Bearer ${secret}\x01\x01`), Buffer.alloc(0)),
  /** RFC 7628; the same with an octet of 1 (section 3.2.3). */
  OAUTHBEARER: ({ user, secret, host, port }) =>
    inTurn(
      Buffer.from(`n,a=${saslName(user)},\x01host=${host}\x01port=${port}\x01auth=Bearer ${secret}\x01\x01`),
      Buffer.from('\x01'),
    ),
};

export function exchangeOf(mechanism: MechanismName, login: ClientLogin): Exchange {
  return EXCHANGES[mechanism](login);
}

function inTurn(initial: Buffer, ...answers: Buffer[]): Exchange {
  return { initial, answer: () => answers.shift() };
}

/** RFC 5801 section 4. */
function saslName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C');
}
