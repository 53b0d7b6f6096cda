import { isIPv6 } from 'node:net';

/** A host as it stands before `:PORT`: an IPv6 address in brackets (RFC 3986 section 3.2.2, RFC 6874 for its zone). */
export function urlHost(host: string): string {
  return isIPv6(host) ? `[${host.replace('%', '%25')}]` : host;
}
