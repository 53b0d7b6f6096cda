/** Settings of the console: the page that shows what is there. */
import { z } from 'zod';
import { serverName } from './settings-text.ts';

const NAMES_MAX = 32;

export const consoleSettingsSchema = z.strictObject({
  enabled: z
    .boolean()
    .optional()
    .describe(
      'Whether the console is served, under /console on the HTTP port. In one process only. Default: if `host` is a loopback address. It asks nobody who they are',
    ),
  hosts: z
    .array(serverName)
    .max(NAMES_MAX)
    .default([])
    .describe(
      'In one process: host names under which people open the console, besides `localhost`, loopback addresses and `host`. Other names are refused, so that no web site can read the console by a name that it leads here',
    ),
});
