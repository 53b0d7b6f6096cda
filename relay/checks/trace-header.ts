/**
 * The fields that we put in front of a message: Received always, Date and Message-ID where they are missing. Everything
 * else stays as sent.
 */

export interface TraceInfo {
  /** Our own name. */
  readonly hostname: string;
  /** What the client said in HELO or EHLO: hostile until proven harmless. */
  readonly helo: string;
  /** IPv4, IPv6 or IPv4 in IPv6, as sockets have it. */
  readonly remoteAddress: string;
  readonly tls: { readonly protocol: string; readonly cipher: string } | undefined;
  /** The client asked for SMTPUTF8. */
  readonly isUtf8: boolean;
  readonly id: string;
  readonly date: Date;
}

/** Domain or address-literal of RFC 5321 section 4.1.2, and the underscores of real host names. */
const HELO_FORM = /^(?:[A-Za-z0-9_.-]{1,253}|\[[A-Za-z0-9:.]{1,64}\])$/;

/** The Received field (RFC 5321 section 4.4) with its line end, folded. Never names a recipient: Bcc stays blind. */
export function receivedField({ hostname, helo, remoteAddress, tls, isUtf8, id, date }: TraceInfo): string {
  const client = HELO_FORM.test(helo) ? helo : 'unknown';
  // RFC 3848 and RFC 6531 section 4.3; the A says that the client has logged in, as each of ours has
  const protocol = `${isUtf8 ? 'UTF8SMTP' : 'ESMTP'}${tls === undefined ? '' : 'S'}A`;
  const comment = tls === undefined ? '' : ` (${atom(tls.protocol)} ${atom(tls.cipher)})`;
  return [
    `Received: from ${client} (${addressLiteral(remoteAddress)})`,
    `\tby ${atom(hostname)} with ${protocol}${comment}`,
    `\tid ${atom(id)}; ${mailDate(date)}`,
    '',
  ].join('\r\n');
}

/** A date-time of RFC 5322 section 3.3, in UTC; `GMT` is an obsolete zone. */
export function mailDate(time: number | Date): string {
  return new Date(time).toUTCString().replace('GMT', '+0000');
}

/** The Date field with its line end. */
export function dateField(date: Date): string {
  return `Date: ${mailDate(date)}\r\n`;
}

/** The Message-ID field with its line end; the queue id makes it unique. */
export function messageIdField(id: string, hostname: string): string {
  return `Message-ID: <${atom(id)}@${atom(hostname)}>\r\n`;
}

/** RFC 5321 section 4.1.3. */
function addressLiteral(address: string): string {
  const plain = atom(address.replace(/^::ffff:(?=\d+\.)/i, ''));
  return plain.includes(':') ? `[IPv6:${plain}]` : `[${plain}]`;
}

/** Nothing that we did not make ourselves can end a line, a comment or a field. */
function atom(text: string): string {
  if (ATOM.test(text)) return text;
  return text.replace(/[^A-Za-z0-9_.:-]/g, '?').slice(0, ATOM_MAX);
}

/** Octets of one part of a trace field: a domain is the longest, and the line stays within RFC 5322's 998. */
const ATOM_MAX = 253;
const ATOM = /^[A-Za-z0-9_.:-]{0,253}$/;
