/**
 * `send-test`: one mail, sent as an application would with what is in its Secret; each failure comes with its remedy.
 */
import type { ObjectName } from '../api/names.ts';
import { asRecord, textAt } from '../api/plain-data.ts';
import { printable } from '../printable.ts';
import { credentialsOf, type AppCredentials } from './credentials.ts';
import { connectAs, type Failed } from './send-test-connection.ts';
import { CommandError, type SeenObject, type Result, type Source } from './source.ts';
import { verdictOf, whyNot } from './verdict.ts';

export interface SendTestOptions {
  readonly to: string;
  /** Default: the first sender that is verified for the user. */
  readonly from?: string | undefined;
  /** `HOST:PORT`, where those in the Secret cannot be reached from here. Its certificate must be that of the Secret's host. */
  readonly server?: string | undefined;
}

const COMMAND_SECONDS = 30;
const CONTENT_SECONDS = 120;
const ADDRESS = /^[^\s<>@]+@[^\s<>@]+$/;

export async function runSendTest(source: Source, name: ObjectName, options: SendTestOptions): Promise<Result> {
  const { to } = options;
  const credentials = await credentialsOf(source, name);
  const from = options.from ?? senderOf(credentials.user);
  for (const address of [from, to]) {
    if (!ADDRESS.test(address)) throw new CommandError(`${address} is no mail address, such as ann@shop.example`);
  }
  const steps = [`The Secret ${credentials.secret} has the server ${credentials.host}:${credentials.port}.`];
  const connected = await connectAs(credentials, options.server);
  if ('step' in connected) return failure(credentials, steps, connected);
  steps.push(...connected.steps);
  try {
    const content = Buffer.from(messageOf({ from, to, name }));
    const mail = { from, recipients: [{ address: to }], eightBit: false, smtpUtf8: isInternational(from + to) };
    const transcript = await connected.client.send(
      { ...mail, content: [content], size: content.length, isAllOrNothing: true },
      { command: COMMAND_SECONDS, content: CONTENT_SECONDS },
    );
    const { mail: toMail, recipients, data, content: toContent, broken } = transcript;
    const replies: [string, { code: number; text: string } | undefined][] = [
      [`MAIL FROM ${from}`, toMail],
      [`RCPT TO ${to}`, recipients[0]],
      ['DATA', data],
      ['the message', toContent],
    ];
    const refused = replies.find(([, reply]) => reply !== undefined && reply.code >= 400);
    if (refused !== undefined) {
      return failure(credentials, steps, { step: refused[0], problem: textOf(refused[1]), mend: mendOf(refused[1]) });
    }
    if (toContent === undefined) {
      const problem = `the connection broke: ${broken ?? 'nothing was answered'}`;
      return failure(credentials, steps, { step: 'the message', problem, mend: 'look at the log of the relay' });
    }
    steps.push(`The relay answered: ${textOf(toContent)}`);
    return {
      code: 0,
      text: steps.join('\n'),
      json: { ok: true, from, to, server: connected.server, reply: textOf(toContent), steps },
    };
  } finally {
    connected.client.close();
  }
}

function textOf(reply: { readonly text: string } | undefined): string {
  return (reply?.text ?? '')
    .split('\n')
    .map((line) => printable(line))
    .join(' ');
}

/** A reply of ours names the object; the status of the user knows more than the reply may say. */
function failure(
  { user, username }: AppCredentials,
  steps: readonly string[],
  { step, problem, mend }: Failed,
): Result {
  const objection = whyNot(user);
  const status =
    objection === undefined
      ? []
      : [`SmtpPlusUser ${user.namespace}/${user.name} cannot send (${objection.reason}): ${objection.message}`];
  const senders =
    step.startsWith('MAIL') || step === 'the message' ? [`${username} may send as: ${allowedOf(user)}`] : [];
  return {
    code: 1,
    text: [...steps, `Failed at ${step}: ${problem}`, `What to do: ${mend}.`, ...status, ...senders]
      .map(printable)
      .join('\n'),
    json: { ok: false, failedAt: step, problem, mend, whyNot: objection ?? null, steps },
  };
}

function mendOf(reply: { readonly code: number } | undefined): string {
  const code = reply?.code ?? 0;
  if (code < 500) return 'the reply says what to wait for; applications send again by themselves after a temporary one';
  return 'the reply names what is wrong and whose it is: see docs/when-mail-is-refused.md';
}

function sendersIn({ status }: SeenObject): readonly string[] {
  const { senders } = status;
  return (Array.isArray(senders) ? senders : [])
    .map(asRecord)
    .filter((one) => one['state'] === 'Verified')
    .flatMap((one) => textAt(one, 'sender') ?? []);
}

function allowedOf(user: SeenObject): string {
  return sendersIn(user).join(', ') || 'nothing, until a sender is verified';
}

function senderOf(user: SeenObject): string {
  const [first] = sendersIn(user);
  if (first === undefined) {
    throw new CommandError(
      `SmtpPlusUser ${user.namespace}/${user.name} has no verified sender to send as (--from ADDRESS tries one anyway): ${verdictOf(user).message}`,
      1,
    );
  }
  return first.startsWith('@') ? `smtp-plus-test${first}` : first;
}

function isInternational(text: string): boolean {
  return /[^\x20-\x7e]/.test(text);
}

function messageOf({ from, to, name }: { from: string; to: string; name: ObjectName }): string {
  return [
    `From: <${from}>`,
    `To: <${to}>`,
    `Subject: Test of SMTP+ user ${name.namespace}/${name.name}`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    'Somebody ran smtp-plus send-test to see whether mail of this user arrives. It does.',
    '',
  ].join('\r\n');
}
