/**
 * Resolves the names of smart hosts, and keeps only the addresses that may be connected to. The connection goes to one
 * of these very addresses, so that no name server can give one for the check and another for the connection; and
 * nothing is ever sent to any other, so that timing tells nothing about who listens there.
 */
import { isAllowedAddress } from '../address-ranges.ts';
import type { SmartHost } from '../config/config.ts';
import type { Resolve } from './resolve.ts';

const NOT_ALLOWED =
  'leads to no address that the relay class lets lists connect to (allowListUpstream.addresses); name another host, or ask the platform owner';

export function allowedResolve(resolve: Resolve, allowed: SmartHost['addresses']): Resolve {
  if (allowed === undefined) return resolve;
  return async (name, signal) => {
    const addresses = (await resolve(name, signal)).filter((address) => isAllowedAddress(address, allowed));
    if (addresses.length === 0) throw new Error(NOT_ALLOWED);
    return addresses;
  };
}
