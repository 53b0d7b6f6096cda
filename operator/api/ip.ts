/** IP addresses and networks, read as the API server's CEL functions isIP and isCIDR read them. */
import { z } from 'zod';

const [cidrv4, cidrv6, ipv6] = [z.cidrv4(), z.cidrv6(), z.ipv6()];

export function isCidr(text: string): boolean {
  if (cidrv4.safeParse(text).success) return true;
  return cidrv6.safeParse(text).success && isIPv6(text.replace(/\/.*/, ''));
}

/** An IPv4 address inside IPv6 is one address with two spellings: netip, behind isIP and isCIDR, refuses it too. */
export function isIPv6(text: string): boolean {
  if (!ipv6.safeParse(text).success) return false;
  return !/^\[::ffff:[^:]+:[^:]+\]$/.test(new URL(`http://[${text}]`).hostname);
}
