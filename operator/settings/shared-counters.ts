/** Settings of a class: where its relays count together. */
import { z } from 'zod';
import { path, serverAddress, serverName } from './text.ts';

/** Below this, a packet that is lost once is a store that is away. */
const TIMEOUT_LEAST_MS = 10;
/** A client waits for as long, at each message. */
const TIMEOUT_MOST_MS = 5000;

export const sharedCounters = z
  .strictObject({
    host: serverAddress.describe('Host name or IP address of a Valkey or Redis server, or of its primary'),
    port: z.number().int().min(1).max(65535).default(6379).describe('Port of the server'),
    tls: z
      .enum(['Implicit', 'None'])
      .default('Implicit')
      .describe('Implicit verifies the certificate, and does not use the server if that fails. None never encrypts'),
    serverName: serverName.optional().describe('Name in the certificate of the server, if it is not `host`'),
    caFile: path.optional().describe('Certificates (PEM) to verify the server with, instead of the public roots'),
    username: z.string().min(1).optional().describe('User name at the server (ACL); default: its default user'),
    passwordFile: path.optional().describe('File with the password; a trailing newline is dropped'),
    keyPrefix: z
      .string()
      .max(64)
      .regex(/^[\w.:/-]+$/, 'must be letters, digits and . : / - _')
      .default('smtp-plus')
      .describe(
        'What the names of all keys begin with, for the rules of the server (`~smtp-plus:*`). Classes and installations need no prefixes of their own to be kept apart',
      ),
    timeoutMilliseconds: z
      .number()
      .int()
      .min(TIMEOUT_LEAST_MS)
      .max(TIMEOUT_MOST_MS)
      .default(100)
      .describe('Longest wait for an answer. If it takes longer, the relay goes on by itself'),
  })
  .refine(({ username, passwordFile }) => username === undefined || passwordFile !== undefined, {
    path: ['username'],
    message: 'needs passwordFile beside it',
  })
  .refine(({ tls, serverName, caFile }) => tls === 'Implicit' || (serverName === undefined && caFile === undefined), {
    path: ['tls'],
    message: 'must be Implicit with serverName or caFile',
  })
  .describe(
    'A Valkey or Redis server in which the relays count together what is limited over all relays. Default: each relay counts for itself and allows its share. In one process, it lets counts outlive a restart',
  );
