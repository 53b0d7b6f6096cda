/** What lists of a relay class may name as smart hosts of their own, in the settings file. */
import { z } from 'zod';
import { type AllowedAddresses, isAddress, NAMED_RANGES } from '../../relay/address-ranges.ts';
import { isCidr } from '../api/ip.ts';

/** Each is compared with what lists name, and goes into the configuration of each list that has an upstream. */
const ENTRIES_MAX = 64;
const HOST = /^(\*|(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*)$/;
/** A wider range than any that is private would let in loopback and metadata services along with what was meant. */
const BITS_MIN = { v4: 8, v6: 7 };

const cidr = z.string().refine(isCidr, { message: 'must be a range such as 192.0.2.0/24 or 2001:db8::/32' });

const addressRange = z.string().refine(isNameOrRange, {
  message: `must be ${NAMED_RANGES.join(', ')} or a range such as 10.1.0.0/16, not wider than /${BITS_MIN.v4} (IPv6: /${BITS_MIN.v6})`,
});

function isNameOrRange(text: string): boolean {
  if (NAMED_RANGES.some((name) => name === text)) return true;
  return isCidr(text) && Number(text.split('/')[1]) >= (text.includes(':') ? BITS_MIN.v6 : BITS_MIN.v4);
}

export const allowListUpstream = z.strictObject({
  hosts: z
    .array(
      z
        .string()
        .regex(
          HOST,
          'must be `*`, a host name in lower case such as smtp.shop.example, one with `*.` in front, or an IP address',
        ),
    )
    .max(ENTRIES_MAX)
    .default(['*'])
    .describe(
      'What lists may name in `upstream.host` and `oauth2.tokenURL`: host names, `*.shop.example` for all names below a domain, `*` for every name and address. With `[]`, lists may not name an upstream at all',
    ),
  addresses: z
    .array(addressRange)
    .max(ENTRIES_MAX)
    .optional()
    .describe(
      'Which addresses these names may lead to, checked for each connection: `Public`, `Private`, `Loopback`, and ranges such as 10.1.0.0/16. Link-local addresses, metadata services and multicast are in none of the three. Default: `[Public]` on a cluster, all three in one process',
    ),
  except: z
    .array(cidr)
    .max(ENTRIES_MAX)
    .default([])
    .describe(
      'Ranges where they may not lead, whatever `addresses` says: pods, Services and nodes, if these have public addresses or `addresses` contains them. The API server of the cluster (KUBERNETES_SERVICE_HOST) always counts as one',
    ),
});

export type ListUpstreamRules = z.infer<typeof allowListUpstream>;

/** Where there is no cluster, whoever writes lists also runs the process, and tries it with a server on the machine. */
const DEFAULT_ADDRESSES = { cluster: ['Public'], oneProcess: ['Public', 'Private', 'Loopback'] } as const;

/** @param apiServer that of the cluster where the process itself runs, by name or address. */
export function addressesOfLists(
  { addresses, except }: ListUpstreamRules,
  where: keyof typeof DEFAULT_ADDRESSES,
  apiServer?: string,
): AllowedAddresses {
  return {
    allow: [...(addresses ?? DEFAULT_ADDRESSES[where])],
    except: [...except, ...(apiServer !== undefined && isAddress(apiServer) ? [rangeOfOne(apiServer)] : [])],
  };
}

function rangeOfOne(address: string): string {
  return `${address}/${address.includes(':') ? 128 : 32}`;
}
