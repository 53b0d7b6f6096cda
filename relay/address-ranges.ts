/**
 * Which addresses a host name that somebody wrote into a list may lead to. An address is judged by where it leads,
 * however it is written: `::ffff:10.0.0.1` and `64:ff9b::a00:1` are 10.0.0.1. Part of the contract beside config.ts:
 * the operator judges the addresses written in a list, the relay those that names lead to.
 */
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

/** Ranges that have a name. What is in none of them (link-local, metadata services, multicast) has to be given in numbers. */
export const NAMED_RANGES = ['Public', 'Private', 'Loopback'] as const;
type NamedRange = (typeof NAMED_RANGES)[number];

export const allowedAddressesSchema = z.object({
  /** Names of ranges, and ranges in CIDR notation. */
  allow: z.array(z.string()).readonly(),
  /** Ranges in CIDR notation, whatever `allow` says. */
  except: z.array(z.string()).readonly(),
});

export type AllowedAddresses = z.infer<typeof allowedAddressesSchema>;

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** RFC 6052: the gateway of the network makes an IPv4 address of the last 32 bits. */
const NAT64 = 'rfc6052';
/** Global unicast (RFC 4291 section 2.4): what else ipaddr.js knows no name for is assigned to nobody. */
const GLOBAL = ipaddr.parseCIDR('2000::/3');
/**
 * Metadata services of clouds that are not link-local: Alibaba, Azure, Oracle, AWS, Google. Whoever asks there gets the
 * credentials of the machine. The chart's NetworkPolicy excepts them, too.
 */
export const METADATA_RANGES = [
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
  'fd00:ec2::/32',
  'fd20:ce::/32',
] as const;
const METADATA = METADATA_RANGES.map((one) => ipaddr.parseCIDR(one));

/** By what ipaddr.js calls it. */
const NAME_OF: ReadonlyMap<string, NamedRange> = new Map([
  ['private', 'Private'],
  ['uniqueLocal', 'Private'],
  ['carrierGradeNat', 'Private'],
  ['loopback', 'Loopback'],
]);

export function isAddress(text: string): boolean {
  return ipaddr.isValid(withoutZone(text));
}

export function isAllowedAddress(text: string, { allow, except }: AllowedAddresses): boolean {
  if (!isAddress(text)) return false;
  const written = ipaddr.parse(withoutZone(text));
  const address = destination(written);
  // a gateway's own prefix can be excepted, too
  if (except.some((range) => isIn(address, range) || isIn(written, range))) return false;
  const named = rangeOf(address);
  return allow.some((range) => (isNamed(range) ? range === named : isIn(address, range)));
}

function isNamed(range: string): range is NamedRange {
  return NAMED_RANGES.some((name) => name === range);
}

/** The interface that a link-local address is on. */
function withoutZone(text: string): string {
  return text.replace(/%.*$/, '');
}

function destination(address: Address): Address {
  if (!(address instanceof ipaddr.IPv6)) return address;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  return address.range() === NAT64 ? new ipaddr.IPv4(address.toByteArray().slice(12)) : address;
}

function rangeOf(address: Address): NamedRange | undefined {
  if (METADATA.some((range) => matches(address, range))) return undefined;
  const kind = address.range();
  if (kind === 'unicast') return address instanceof ipaddr.IPv4 || matches(address, GLOBAL) ? 'Public' : undefined;
  return NAME_OF.get(kind);
}

function isIn(address: Address, range: string): boolean {
  return matches(address, ipaddr.parseCIDR(range));
}

function matches(address: Address, [base, bits]: [Address, number]): boolean {
  return address.kind() === base.kind() && address.match(base, bits);
}
