/** The arguments of MAIL and RCPT (RFC 5321 section 4.1.2), read strictly, and the parameters we know (RFC 1870, 3461, 6152, 6531). */
import { isInternational } from '../address.ts';
import { isReply, replies, type Reply } from '../replies.ts';
import { fromUtf8Xtext, toUtf8Xtext } from '../smtp/xtext.ts';

export interface EnvelopeArguments {
  /** What stood between the angle brackets; undefined where there was no such thing. */
  readonly path: string | undefined;
  /** By upper-case keyword; '' for a keyword without a value. */
  readonly parameters: ReadonlyMap<string, string>;
  /** A parameter that is no esmtp-param, or came twice. */
  readonly malformed: string | undefined;
}

export interface MailParameters {
  /** SIZE in octets, 0 where not given. */
  readonly size: number;
  readonly ret?: 'FULL' | 'HDRS';
  readonly envelopeId?: string;
  /** Addresses and header fields may be in UTF-8. */
  readonly smtpUtf8?: true;
}

export interface RecipientParameters {
  readonly notify?: readonly string[];
  readonly originalRecipient?: string;
}

/** Path in brackets, then parameters. One space after the colon is not in the grammar, but usual and unambiguous. */
const ARGUMENTS = /^(FROM|TO): ?<([^<>]*)>((?: [^ ]+)*) *$/i;
const PARAMETER = /^([A-Z0-9][A-Z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e\u0080-\u{10ffff}]+))?$/iu;
/** RFC 3461 section 4, without what stands for a control character: decoded, it could end a line of a log or a report. */
const XTEXT = /^(?:[!-*,-<>-~]|\+(?:[2-689A-F][0-9A-F]|7[0-9A-E]))+$/;
/** What goes on to the upstream is decoded and encoded on the way; above ASCII it would not come out the same. */
const ASCII_XTEXT = /^(?:[!-*,-<>-~]|\+(?:[2-6][0-9A-F]|7[0-9A-E]))+$/;
/** RFC 3461 section 4.4. */
const ENVID_MAX = 100;
/** RFC 3461 section 4.2. */
const ORCPT_MAX = 500;
/** RFC 1870 section 4 allows 20 digits; 15 fit a number, and no message needs more. */
const SIZE_FORM = /^\d{1,15}$/;
const NOTIFY_VALUES = new Set(['SUCCESS', 'FAILURE', 'DELAY']);

/** The text of a line whose octets came as one character each; what is not UTF-8 becomes U+FFFD, which no address may have. */
export function decodeLine(octets: string): string {
  return isInternational(octets) ? Buffer.from(octets, 'latin1').toString('utf8') : octets;
}

/** Splits what follows `MAIL ` or `RCPT `. Nothing is decoded: the line holds no control characters. */
export function parseEnvelopeArguments(text: string, keyword: 'FROM' | 'TO'): EnvelopeArguments {
  const match = ARGUMENTS.exec(text);
  const [, word = '', path, rest = ''] = match ?? [];
  const parameters = new Map<string, string>();
  let malformed: string | undefined;
  for (const part of rest.split(' ').filter((part) => part !== '')) {
    const [, name = '', value = ''] = PARAMETER.exec(part) ?? [];
    if (name === '' || parameters.has(name.toUpperCase())) malformed ??= part.split('=')[0] ?? part;
    parameters.set(name.toUpperCase(), value);
  }
  return { path: word.toUpperCase() === keyword ? path : undefined, parameters, malformed };
}

/** Whether SMTPUTF8 is offered, or at RCPT, whether its transaction has asked for it. */
interface Extensions {
  readonly smtpUtf8: boolean;
}

/** The parameters of MAIL, or the first objection to one. */
export function parseMailParameters(args: EnvelopeArguments, { smtpUtf8 }: Extensions): MailParameters | Reply {
  const known = parseParameters<MailParameters>(args, (name, value) => {
    if (name !== 'SMTPUTF8') return mailParameter(name, value);
    if (!smtpUtf8) return 'unknown';
    return value === '' ? { smtpUtf8: true } : 'malformed';
  });
  return isReply(known) ? known : { size: 0, ...known };
}

/** The parameters of RCPT, or the first objection to one. */
export function parseRecipientParameters(args: EnvelopeArguments, extensions: Extensions): RecipientParameters | Reply {
  return parseParameters(args, (name, value) => recipientParameter(name, value, extensions));
}

function parseParameters<T extends object>(
  { parameters, malformed }: EnvelopeArguments,
  parse: (name: string, value: string) => Partial<T> | 'unknown' | 'malformed',
): Partial<T> | Reply {
  if (malformed !== undefined) return replies.badParameter(malformed);
  const known: Partial<T> = {};
  for (const [name, value] of parameters) {
    const parsed = parse(name, value);
    if (parsed === 'unknown') return replies.unknownParameter(name);
    if (parsed === 'malformed') return replies.badParameter(name);
    Object.assign(known, parsed);
  }
  return known;
}

function mailParameter(name: string, value: string): Partial<MailParameters> | 'unknown' | 'malformed' {
  const upper = value.toUpperCase();
  switch (name) {
    case 'SIZE':
      return SIZE_FORM.test(value) ? { size: Number(value) } : 'malformed';
    case 'BODY':
      // what the content is shows in the content: clients declare 8BITMIME for plain ASCII, too
      return upper === '7BIT' || upper === '8BITMIME' ? {} : 'malformed';
    case 'RET':
      return upper === 'FULL' || upper === 'HDRS' ? { ret: upper } : 'malformed';
    case 'ENVID':
      return ASCII_XTEXT.test(value) && value.length <= ENVID_MAX ? { envelopeId: value } : 'malformed';
    case 'AUTH':
      // RFC 4954 section 5: to be understood, and not to be believed
      return XTEXT.test(value) ? {} : 'malformed';
    default:
      return 'unknown';
  }
}

function recipientParameter(
  name: string,
  value: string,
  { smtpUtf8 }: Extensions,
): RecipientParameters | 'unknown' | 'malformed' {
  switch (name) {
    case 'NOTIFY':
      return isNotify(value.toUpperCase().split(',')) ? { notify: value.toUpperCase().split(',') } : 'malformed';
    case 'ORCPT': {
      const originalRecipient = readOriginal(value, { smtpUtf8 });
      return originalRecipient === undefined ? 'malformed' : { originalRecipient };
    }
    default:
      return 'unknown';
  }
}

/** ORCPT as it goes on, in ASCII whatever the next server offers; undefined where it is malformed. */
function readOriginal(value: string, { smtpUtf8 }: Extensions): string | undefined {
  const [type = '', address = ''] = value.split(/;(.*)/);
  if (!/^[a-z0-9-]+$/i.test(type) || value.length > ORCPT_MAX) return undefined;
  if (type.toLowerCase() !== 'utf-8') return ASCII_XTEXT.test(address) ? value : undefined;
  const text = isInternational(address) && !smtpUtf8 ? undefined : fromUtf8Xtext(address);
  if (text === undefined) return undefined;
  const original = `${type};${toUtf8Xtext(text)}`;
  return original.length > ORCPT_MAX ? undefined : original;
}

function isNotify(values: readonly string[]): boolean {
  if (values.length === 1 && values[0] === 'NEVER') return true;
  return values.every((value) => NOTIFY_VALUES.has(value)) && new Set(values).size === values.length;
}
