/** The smart host of a relay class, in the settings file. */
import { z } from 'zod';
import { heloName } from '../api/names.ts';
import { path, serverAddress, serverName } from './text.ts';

const oauth2 = z
  .strictObject({
    tokenURL: z
      .url({ protocol: /^https$/, error: 'must be a URL that begins with https://' })
      .describe('URL that issues access tokens; its certificate is verified by the public roots, and by caFile'),
    clientID: z.string().min(1).describe('Id of the client there'),
    clientSecretFile: path.optional().describe('File with the secret of the client; a trailing newline is dropped'),
    clientAssertionFile: path
      .optional()
      .describe(
        'Instead of a secret: a file in the relay pods that proves who they are, such as a projected ServiceAccount token. It is read for each access token',
      ),
    scope: z.string().min(1).optional().describe('Scope of the token'),
    user: z
      .string()
      .regex(/^[^\x00-\x20\x7f]+$/, { message: 'must be without spaces and control characters' })
      .describe('User to log in as at the smart host, mostly a mail address'),
  })
  .refine((one) => (one.clientSecretFile === undefined) !== (one.clientAssertionFile === undefined), {
    message: 'must have one of clientSecretFile and clientAssertionFile',
  });

const BY_TOKEN: ReadonlySet<string> = new Set(['XOAUTH2', 'OAUTHBEARER']);

const smartHost = z
  .strictObject({
    host: serverAddress.describe('Host name or IP address of the smart host; a final dot switches the search list off'),
    port: z.number().int().min(1).max(65535).default(587).describe('Port of the smart host'),
    tls: z
      .enum(['StartTLS', 'Implicit', 'Opportunistic', 'None'])
      .default('StartTLS')
      .describe(
        'StartTLS and Implicit verify the certificate, and send nothing if that fails. Opportunistic encrypts if it can, without verifying. None never encrypts',
      ),
    serverName: serverName.optional().describe('Name in the certificate of the smart host, if it is not `host`'),
    caFile: path.optional().describe('Certificates (PEM) to verify the smart host with, instead of the public roots'),
    username: z.string().min(1).optional().describe('User name at the smart host'),
    passwordFile: path.optional().describe('File with the password; a trailing newline is dropped'),
    oauth2: oauth2.optional().describe('Log-in with an access token instead of a password'),
    auth: z
      .enum(['PLAIN', 'LOGIN', 'CRAM-MD5', 'XOAUTH2', 'OAUTHBEARER'])
      .optional()
      .describe(
        'How to log in; default: the first that the smart host offers of PLAIN, LOGIN, CRAM-MD5, or with `oauth2` of XOAUTH2, OAUTHBEARER',
      ),
    helo: heloName
      .optional()
      .describe(
        'Name in EHLO; default: `hostname` if it is a public name, or else the address of the relay in brackets, because strict servers look the name up',
      ),
    maxConnections: z
      .number()
      .int()
      .min(1)
      .default(10)
      .describe('Maximum number of connections to the smart host at the same time'),
    messagesPerConnection: z
      .number()
      .int()
      .min(1)
      .default(100)
      .describe('Number of messages after which a connection is closed'),
    recipientsPerTransaction: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(50)
      .describe(
        'Maximum number of recipients in one transaction. A message with more recipients is sent several times',
      ),
  })
  .refine(({ auth, username, oauth2 }) => !isOneOf(auth, false) || (username !== undefined && oauth2 === undefined), {
    path: ['auth'],
    message: 'needs username beside it',
  })
  .refine(({ auth, oauth2 }) => !isOneOf(auth, true) || oauth2 !== undefined, {
    path: ['auth'],
    message: 'needs oauth2 beside it',
  })
  .refine(({ username, oauth2 }) => username === undefined || oauth2 === undefined, {
    path: ['oauth2'],
    message: 'is a way to log in, as username is: remove one of them',
  })
  .refine(({ tls, oauth2 }) => oauth2 === undefined || tls === 'StartTLS' || tls === 'Implicit', {
    path: ['tls'],
    message: 'must be StartTLS or Implicit with oauth2: the token goes to nobody without a verified certificate',
  })
  // half of the two would send mail without logging in
  .refine(({ username, passwordFile }) => username === undefined || passwordFile !== undefined, {
    path: ['username'],
    message: 'needs passwordFile beside it',
  })
  .refine(({ username, passwordFile }) => passwordFile === undefined || username !== undefined, {
    path: ['passwordFile'],
    message: 'needs username beside it',
  });

function isOneOf(auth: string | undefined, isByToken: boolean): boolean {
  return auth !== undefined && BY_TOKEN.has(auth) === isByToken;
}

export const upstream = z.union([
  z.strictObject({
    capture: z.literal(true).describe('Write each message into the capture folder instead of sending it'),
  }),
  smartHost,
]);
