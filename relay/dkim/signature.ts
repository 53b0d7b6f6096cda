/** DKIM-Signature fields (RFC 6376, and RFC 8463 for Ed25519), over the header section in its relaxed form. */
import { createHash, createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { unfold, type HeaderField } from '../checks/header-section.ts';
import type { DkimKey } from '../config/config.ts';

/** What a signature is to say. */
export interface Claim {
  readonly fields: readonly HeaderField[];
  /** The hash of the body, in base64. */
  readonly bodyHash: string;
  /** d=, canonical. */
  readonly domain: string;
  readonly time: Date;
}

/**
 * What a reader sees of a message, what mail programs sort it by, and what says how its body is to be read (RFC 6376
 * section 5.4.1; RFC 8058 section 4 wants the List fields). Each is named once more than it is there, so that nobody
 * can add another one; From even where somebody would have to take it away first.
 */
const SIGNED = [
  'from sender reply-to to cc subject date message-id in-reply-to references',
  'mime-version content-type content-transfer-encoding content-disposition content-language',
  'list-id list-unsubscribe list-unsubscribe-post list-help list-archive list-post list-owner feedback-id',
].flatMap((names) => names.split(' '));
/** How often a field may occur that may come more than once; a message with more is left unsigned. */
const REPEATED_MAX = 5;
/** Octets of a line of ours, where it can be folded. */
const LINE_LENGTH = 72;

/** One field for each key, each with its line end. */
export async function makeSignatures(claim: Claim, keys: readonly DkimKey[]): Promise<string> {
  const header = signedHeader(claim.fields);
  const made = await Promise.all(keys.map((key) => makeSignature(claim, header, key)));
  return made.join('');
}

async function makeSignature(
  { bodyHash, domain, time }: Omit<Claim, 'fields'>,
  { names, text }: SignedHeader,
  key: DkimKey,
): Promise<string> {
  const tags = [
    `v=1; a=${key.algorithm}; c=relaxed/relaxed;`,
    `d=${domain}; s=${key.selector};`,
    `t=${Math.floor(time.getTime() / 1000)};`,
    `h=${folded(names.map((name, i) => (i === names.length - 1 ? name : `${name}:`)))};`,
    `bh=${bodyHash};`,
    'b=',
  ];
  const field = `DKIM-Signature: ${tags.join('\r\n\t')}`;
  const value = field.slice(field.indexOf(':') + 1);
  const signature = await signData(Buffer.from(`${text}dkim-signature:${relaxedValue(value)}`, 'latin1'), key);
  return `${field}${folded(signature.match(PIECES) ?? [])}\r\n`;
}

/** Lines of base64. */
const PIECES = new RegExp(`.{1,${LINE_LENGTH}}`, 'g');

/** The names for `h=`, and the fields that they name, in relaxed form and in that order (RFC 6376 section 5.4.2). */
interface SignedHeader {
  readonly names: readonly string[];
  readonly text: string;
}

function signedHeader(fields: readonly HeaderField[]): SignedHeader {
  const byName = Map.groupBy(fields, ({ key }) => key);
  const names: string[] = [];
  let text = '';
  for (const name of SIGNED) {
    const present = byName.get(name) ?? [];
    if (present.length === 0 || present.length > REPEATED_MAX) continue;
    // a name means the last of its fields that is not signed yet
    for (const { value } of present.toReversed()) text += `${name}:${relaxedValue(value)}\r\n`;
    names.push(...Array.from({ length: present.length + 1 }, () => name));
  }
  return { names, text };
}

/** RFC 6376 section 3.4.2. */
function relaxedValue(value: string): string {
  return unfold(value)
    .replaceAll(/[ \t]+/g, ' ')
    .replaceAll(/^ | $/g, '');
}

/** On several lines, where it does not fit one. */
function folded(pieces: readonly string[]): string {
  const lines = [''];
  for (const piece of pieces) {
    const last = lines.length - 1;
    if (`${lines[last]}${piece}`.length <= LINE_LENGTH) lines[last] += piece;
    else lines.push(piece);
  }
  return lines.filter((line) => line !== '').join('\r\n\t');
}

const signAsync = promisify(sign);
/** Reading one takes as long as a tenth of its signature. */
const read = new WeakMap<DkimKey, KeyObject>();

/** By the thread pool: a signature with RSA takes the processor for a millisecond, in which nobody else would be served. */
async function signData(data: Buffer, key: DkimKey): Promise<string> {
  const privateKey = read.get(key) ?? readKey(key);
  read.set(key, privateKey);
  const signature =
    key.algorithm === 'rsa-sha256'
      ? await signAsync('sha256', data, privateKey)
      : await signAsync(undefined, createHash('sha256').update(data).digest(), privateKey);
  return signature.toString('base64');
}

function readKey({ privateKey }: DkimKey): KeyObject {
  return createPrivateKey({ key: Buffer.from(privateKey, 'base64'), format: 'der', type: 'pkcs8' });
}
