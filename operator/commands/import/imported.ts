/** What an earlier set-up comes to, whatever it was written in; manifests.ts makes manifests of it. */
export interface Imported {
  /** Smart hosts: the first one is for all users, unless they name another. */
  readonly upstreams: readonly ImportedUpstream[];
  readonly users: readonly ImportedUser[];
  /** Addresses, and domains with a leading @, that nobody in particular sends as. */
  readonly senders: readonly string[];
  /** Octets. */
  readonly messageBytes?: number | undefined;
  /** Pull requests of people read them: what is lost, what is different, and what to do about it. Never a password. */
  readonly warnings: readonly string[];
}

export interface ImportedUpstream {
  readonly host: string;
  readonly port: number;
  readonly tls: 'StartTLS' | 'Implicit' | 'Opportunistic' | 'None';
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

export interface ImportedUser {
  /** As it logged in so far. */
  readonly login: string;
  readonly password?: string | undefined;
  /** The only ones that it may send as; absent: all of the namespace. */
  readonly senders?: readonly string[] | undefined;
  readonly active?: boolean;
  readonly description?: string | undefined;
}

/** `[smtp.provider.example]:587`, as Postfix writes a smart host; the brackets say that it is no domain to look up MX of. */
export function relayHostOf(
  text: string,
): { readonly host: string; readonly port: number; readonly isDomain: boolean } | undefined {
  const [, inner, bare, port = '25'] =
    /^(?:\[([^[\]\s]+)\]|([^[\]:\s]+))(?::([a-z]+|\d{1,5}))?$/.exec(text.trim()) ?? [];
  const host = inner ?? bare;
  const number = PORTS[port] ?? Number(port);
  if (host === undefined || !(number >= 1 && number <= 65_535)) return undefined;
  return { host: host.toLowerCase(), port: number, isDomain: inner === undefined };
}

const PORTS: Readonly<Record<string, number>> = { smtp: 25, submission: 587, submissions: 465, smtps: 465 };

/** By the port, where nothing else says it. */
export function tlsFor(port: number): ImportedUpstream['tls'] {
  return port === 465 ? 'Implicit' : 'StartTLS';
}

/** Postfix's `smtp_tls_security_level`. */
export function tlsOfLevel(level: string, port: number): ImportedUpstream['tls'] {
  if (port === 465) return 'Implicit';
  switch (level) {
    case 'none':
      return 'None';
    case 'may':
      return 'Opportunistic';
    default:
      return 'StartTLS';
  }
}
