/** Hands one of the operator's own mails to a relay, by SMTP with STARTTLS, as any of its users does. */
import { isInternational } from '../../relay/address.ts';
import { type SmartHost, deliverySettingsSchema } from '../../relay/config/config.ts';
import { createResolver } from '../../relay/delivery/resolve.ts';
import { connectUpstream, secureContextOf } from '../../relay/delivery/upstream.ts';
import type { Transcript } from '../../relay/smtp/client/transaction.ts';
import { OPERATOR_USER } from '../core/names.ts';

export interface RelayServer {
  readonly host: string;
  readonly port: number;
  readonly tls: 'StartTLS' | 'Implicit';
  /** Name in its certificate. */
  readonly serverName: string;
  /** PEM of whoever has signed that; absent: a public authority. */
  readonly ca: string | undefined;
  readonly password: string;
}

export interface OwnMail {
  readonly from: string;
  readonly to: string;
  readonly content: Buffer;
}

/** Seconds. */
const CONNECT = 15;
const COMMAND = 30;
const CONTENT = 60;
const ANSWER_LENGTH = 300;

const resolve = createResolver();

/** Resolves to why the relay has not taken it; undefined: it has, as far as anybody can tell. */
export async function handIn(
  { from, to, content }: OwnMail,
  { host, port, tls, serverName, ca, password }: RelayServer,
  signal: AbortSignal,
): Promise<string | undefined> {
  const relay: SmartHost = {
    kind: 'smtp',
    host,
    port,
    tls,
    serverName,
    ...(ca !== undefined && { ca }),
    username: OPERATOR_USER,
    password,
    maxConnections: 1,
    messagesPerConnection: 1,
    recipientsPerTransaction: 1,
  };
  const settings = deliverySettingsSchema.parse({ connectSeconds: CONNECT });
  const secureContext = secureContextOf(relay);
  const client = await connectUpstream(relay, { hostname: serverName, settings, secureContext, resolve, signal });
  if ('failure' in client) return `the relay of the class cannot be reached: ${client.failure.text}`;
  // its header names the recipient
  const smtpUtf8 = isInternational(to);
  try {
    if (smtpUtf8 && !client.capabilities.smtpUtf8) {
      return 'the relay of the class does not take addresses outside ASCII: its `smtputf8` is Refuse';
    }
    const mail = {
      from,
      recipients: [{ address: to }],
      eightBit: smtpUtf8,
      smtpUtf8,
      content: [content],
      size: content.length,
    };
    return problemOf(await client.send({ ...mail, isAllOrNothing: true }, { command: COMMAND, content: CONTENT }));
  } finally {
    client.close();
  }
}

function problemOf({ mail, recipients, data, content, wasSent, broken }: Transcript): string | undefined {
  if (content !== undefined && content.code < 300) return undefined;
  // it may have it, or not: whoever waits in vain asks for another one
  if (broken !== undefined && wasSent) return undefined;
  if (broken !== undefined) return `the connection to the relay broke: ${broken}`;
  const refusal = [mail, ...recipients, data, content].find((reply) => reply !== undefined && reply.code >= 400);
  return `the relay answered: ${refusal?.text.slice(0, ANSWER_LENGTH) ?? 'nothing'}`;
}
