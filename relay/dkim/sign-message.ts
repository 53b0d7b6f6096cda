/**
 * Signs an outgoing message for the verified domain that its author writes from; all other mail goes out as it is. Who
 * may sign is decided when the message leaves, by the configuration then in force: mail that is still waiting when its
 * sender is revoked is not signed.
 */
import { covers, domainCovers, type Mailbox } from '../address.ts';
import { isVerifiedSender } from '../checks/check-sender.ts';
import { readFrom } from '../checks/from-header.ts';
import type { HeaderField } from '../checks/header-section.ts';
import { signedFields } from '../checks/signed-fields.ts';
import type { DkimSigner, RelayConfig } from '../config/config.ts';
import { piecesOf, withAdded } from '../delivery/content.ts';
import { readStoredHeader } from '../delivery/stored-header.ts';
import type { Log } from '../observe/log.ts';
import type { AcceptedMessage, Content, Envelope } from '../message.ts';
import type { Metrics } from '../observe/metrics.ts';
import { isReply } from '../replies.ts';
import { createBodyHash } from './body-hash.ts';
import { makeSignatures } from './signature.ts';

export interface SigningOptions {
  readonly config: () => RelayConfig | undefined;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Time of day. */
  readonly clock?: () => Date;
}

/** What of a message matters here; `bodyHash` is absent where nobody took it while the message came in. */
type Message = Pick<AcceptedMessage, 'id' | 'user' | 'namespace' | 'reportOn' | 'bodyHash' | 'size'> & {
  readonly envelope: Pick<Envelope, 'hasUtf8Header'>;
};

export interface Signed {
  readonly content: Content;
  readonly size: number;
}

export type SignMessage = (message: Message, content: Content) => Promise<Signed>;

export function createSigning({ config, metrics, log, clock = () => new Date() }: SigningOptions): SignMessage {
  return async (message, content) => {
    const { id, size } = message;
    const current = config();
    if (current === undefined || !mayBeSigned(current, message.namespace)) return { content, size };
    // our own reports are from nobody's domain
    if (message.reportOn !== undefined) return { content, size };
    try {
      const added = await signaturesFor(current, message, content, clock());
      if (added === undefined) return { content, size };
      metrics.signatures.inc({ result: 'signed' });
      const octets = Buffer.from(added, 'latin1');
      return { content: withAdded(content, octets), size: size + octets.length };
    } catch (error) {
      // unsigned mail may arrive, mail that waits for a mended key does not
      metrics.signatures.inc({ result: 'failed' });
      log.error({ err: error, id }, 'message could not be signed, and goes out unsigned');
      return { content, size };
    }
  };
}

/** Whether mail of users of this namespace may come to be signed, so that its body is worth hashing while it comes in. */
export function mayBeSigned({ dkim, namespaces }: RelayConfig, namespace: string): boolean {
  if (dkim.size === 0) return false;
  return namespaces.get(namespace)?.some((rule) => rule.verified && dkim.has(rule.object)) === true;
}

async function signaturesFor(
  config: RelayConfig,
  message: Message,
  content: Content,
  time: Date,
): Promise<string | undefined> {
  const header = await readStoredHeader(content);
  if (header === undefined) return undefined;
  const { fields, octets } = header;
  const signer = signerOf(config, message, fields);
  // a signature that names our field as absent would fail by it
  if (signer === undefined || signedFields(fields).has('dkim-signature')) return undefined;
  const bodyHash = message.bodyHash ?? (await hashBody(content, octets));
  return makeSignatures({ fields, bodyHash, domain: signer.domain, time }, signer.keys);
}

/**
 * Whoever may send as the author gets the signature of the closest domain of its namespace that covers the author: a user
 * may be narrowed to an address, and the keys are those of its domain.
 */
function signerOf(
  config: RelayConfig,
  { user: name, namespace, envelope }: Message,
  fields: readonly HeaderField[],
): DkimSigner | undefined {
  const from = readFrom(fields, { isUtf8: envelope.hasUtf8Header === true });
  if (isReply(from)) return undefined;
  const user = config.users.get(name);
  // a user who is gone has left mail that others of the namespace could still send
  const isOther = user?.namespace === namespace && !isVerifiedSender(config, user, from.mailbox);
  const signers = (isOther ? [] : (config.namespaces.get(namespace) ?? []))
    .filter((rule) => rule.verified && covers(rule, from.mailbox))
    .flatMap(({ object }) => config.dkim.get(object) ?? [])
    .filter((signer) => isOf(signer, from.mailbox));
  return signers.toSorted((a, b) => b.domain.length - a.domain.length)[0];
}

/** What receivers compare: d= is the author's domain or one above it. */
function isOf({ domain }: DkimSigner, author: Mailbox): boolean {
  return domainCovers(domain, true, author.domain);
}

/** A second pass: for what an older version has put into the spool, and where signing was switched on meanwhile. */
async function hashBody(content: Content, headerLength: number): Promise<string> {
  const hash = createBodyHash();
  let left = headerLength;
  for await (const piece of piecesOf(content)) {
    const skipped = Math.min(left, piece.length);
    left -= skipped;
    hash.push(piece.subarray(skipped));
  }
  return hash.digest();
}
