/** What a server offers: its reply to EHLO has one keyword per line, with its parameters (RFC 5321 section 4.1.1.1). */

export interface Capabilities {
  readonly startTls: boolean;
  /** RFC 2920. */
  readonly pipelining: boolean;
  /** RFC 6152. */
  readonly eightBitMime: boolean;
  /** RFC 6531. */
  readonly smtpUtf8: boolean;
  /** RFC 3461. */
  readonly dsn: boolean;
  /** RFC 3030. */
  readonly chunking: boolean;
  /** RFC 1870. */
  readonly size: boolean;
  /** The largest message it takes, in octets, where it says so. */
  readonly maxBytes?: number;
  /** SASL mechanisms (RFC 4954), in capitals. */
  readonly mechanisms: ReadonlySet<string>;
}

/** What a server can do that only knows HELO. */
export const NO_CAPABILITIES: Capabilities = readCapabilities('250 ok');

export function readCapabilities(reply: string): Capabilities {
  const [, ...lines] = reply.split('\n');
  const keywords = new Map<string, readonly string[]>();
  for (const line of lines) {
    // servers of before the standard was finished write AUTH=LOGIN
    const [keyword = '', ...parameters] = line
      .slice('250-'.length)
      .toUpperCase()
      .trim()
      .split(/[\s=]+/);
    keywords.set(keyword, [...(keywords.get(keyword) ?? []), ...parameters]);
  }
  const maxBytes = Number(keywords.get('SIZE')?.[0] ?? 0);
  return {
    startTls: keywords.has('STARTTLS'),
    pipelining: keywords.has('PIPELINING'),
    eightBitMime: keywords.has('8BITMIME'),
    smtpUtf8: keywords.has('SMTPUTF8'),
    dsn: keywords.has('DSN'),
    chunking: keywords.has('CHUNKING'),
    size: keywords.has('SIZE'),
    ...(Number.isSafeInteger(maxBytes) && maxBytes > 0 ? { maxBytes } : {}),
    mechanisms: new Set(keywords.get('AUTH')),
  };
}
