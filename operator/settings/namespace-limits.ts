/** How many objects of one namespace are served. */
import { z } from 'zod';
import { labelName } from '../api/names.ts';

const bound = z.number().int().min(0).max(1_000_000);

const boundOverrides = z.strictObject({
  users: bound.optional(),
  lists: bound.optional(),
  senders: bound.optional(),
});

export const namespaceLimits = z.strictObject({
  users: bound.default(10_000).describe('Number of SmtpPlusUsers'),
  lists: bound.default(100).describe('Number of SmtpPlusLists'),
  senders: bound.default(1000).describe('Number of VerifiedSenders'),
  namespaces: z
    .record(labelName, boundOverrides)
    .default({})
    .describe('Different numbers for some namespaces: `NAMESPACE: {users: 50000}`'),
});
