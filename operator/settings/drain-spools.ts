import { z } from 'zod';

export const drainSpools = z
  .enum(['Automatically', 'OnRequest', 'Never'])
  .default('Automatically')
  .describe(
    'On a cluster: whether a pod empties the spool of a relay that is gone for good. OnRequest: if its PersistentVolumeClaim is annotated with `smtpplus.io/drain: "true"`',
  );
