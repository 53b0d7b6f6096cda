/** Our name in EHLO, where the upstream's settings give none. */
import { isIP, isIPv6 } from 'node:net';

/** Top-level names that no name server outside knows (RFC 6761, RFC 6762, RFC 8375, and what clusters and offices use). */
const LOCAL =
  /(^|\.)(localhost|localdomain|local|svc|cluster|internal|intranet|lan|home|corp|private|invalid|arpa)\.?$/i;

/**
 * The name that users connect to, where the world may know it. Otherwise the address literal (RFC 5321 section 4.1.4):
 * strict servers defer a name that they cannot look up, for ever, as they would that of a Service.
 */
export function defaultHelo(hostname: string, localAddress = '127.0.0.1'): string {
  const isPublic = isIP(hostname) === 0 && hostname.includes('.') && !LOCAL.test(hostname);
  if (isPublic) return hostname.replace(/\.$/, '');
  const address = localAddress.replace(/^::ffff:(?=[0-9.]+$)/i, '').replace(/%.*$/, '');
  return isIPv6(address) ? `[IPv6:${address}]` : `[${address}]`;
}
