/** Settings of the console: the page that shows what is there. */
import { z } from 'zod';
import { serverName } from './text.ts';

const NAMES_MAX = 32;
const PROXIES_MAX = 64;

const headerName = z
  .string()
  .max(64)
  .regex(/^[A-Za-z][A-Za-z0-9-]*$/, 'must be the name of a header field');

export const consoleSettingsSchema = z.strictObject({
  enabled: z
    .boolean()
    .optional()
    .describe(
      'Whether the console is served, under /console on the HTTP port. Default: true in one process if `host` is a loopback address, and false on a cluster. In one process it does not authenticate anybody',
    ),
  hosts: z
    .array(serverName)
    .max(NAMES_MAX)
    .default([])
    .describe(
      'In one process: host names under which people open the console, besides `localhost`, loopback addresses and `host`. Other names are refused, so that no web site can read the console through a name that it points here',
    ),
  trustedProxies: z
    .array(
      z.union([z.cidrv4(), z.cidrv6()], {
        error: 'must be a range of addresses such as 192.0.2.0/24, 192.0.2.7/32 or 2001:db8::/32',
      }),
    )
    .max(PROXIES_MAX)
    .default([])
    .describe(
      'On a cluster: addresses (CIDR notation) of the authenticating proxies in front of the console. Only from these do the header fields below say who is asking. The proxies must overwrite these fields in whatever their clients send',
    ),
  userHeader: headerName.default('X-Forwarded-User').describe('On a cluster: header field with the name of the user'),
  groupsHeader: headerName
    .default('X-Forwarded-Groups')
    .describe(
      'On a cluster: header field with the groups of the user, separated by commas. Names that begin with `system:` do not count',
    ),
});

export type ConsoleSettings = z.infer<typeof consoleSettingsSchema>;
