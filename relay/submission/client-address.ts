/** Addresses of clients: one spelling for logs and checks, one key for counting, and the ranges a user may come from. */
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';

/** The address without what a dual-stack socket adds to IPv4 (`::ffff:`) and without a zone. */
export function clientAddress(text: string | undefined): string {
  const address = (text ?? '').replace(/%.*$/, '').toLowerCase();
  return address.startsWith('::ffff:') && isIPv4(address.slice(7)) ? address.slice(7) : address;
}

/** What counts as one source: an IPv4 address, or an IPv6 /64, the smallest network that anybody gets. */
export function sourceKey(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - after.length) }, () => '0');
  const all = tail === undefined ? groups : [...groups, ...zeros, ...after];
  return `${all.slice(0, 4).join(':')}::/64`;
}

/** One list a user's ranges, made once: configuration is replaced, never modified. */
const blockLists = new WeakMap<readonly string[], BlockList>();

/** Whether the address is in one of the ranges (CIDR or single addresses); no ranges allow any, a malformed one none. */
export function isAllowedClient(address: string, ranges: readonly string[]): boolean {
  if (ranges.length === 0) return true;
  const list = blockLists.get(ranges) ?? toBlockList(ranges);
  blockLists.set(ranges, list);
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

function toBlockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', bits] = range.split('/');
    const family = isIPv6(network) ? 'ipv6' : 'ipv4';
    const most = family === 'ipv6' ? 128 : 32;
    const prefix = bits === undefined ? most : Number(/^\d{1,3}$/.exec(bits)?.[0]);
    if (isIP(network) !== 0 && prefix <= most) list.addSubnet(network, prefix, family);
  }
  return list;
}
