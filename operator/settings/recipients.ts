/** Whom mail of a relay class may reach, in the settings file. */
import { z } from 'zod';
import { canonicalSender, parseMailbox } from '../../relay/address.ts';

export const recipients = z
  .strictObject({
    allow: z
      .array(z.string().refine(isAddressOrDomain, { message: 'must be an address or a domain with a leading @' }))
      .max(256)
      .default([])
      .describe('Addresses, and domains with a leading `@`'),
    includeSubdomains: z.boolean().default(false).describe('Whether the domains include their subdomains'),
    otherwise: z
      .enum(['Refuse', 'Capture', 'Redirect'])
      .default('Refuse')
      .describe('What happens to mail to others; a list may choose something else'),
    redirectTo: z
      .string()
      .refine((text) => parseMailbox(text) !== undefined, { message: 'must be an address' })
      .optional()
      .describe('The address for Redirect; it counts as allowed'),
  })
  .refine(({ otherwise, redirectTo }) => (otherwise === 'Redirect') === (redirectTo !== undefined), {
    path: ['redirectTo'],
    message: 'and `otherwise: Redirect` go together; set both, or neither',
  });

function isAddressOrDomain(text: string): boolean {
  return canonicalSender(text) !== undefined;
}
