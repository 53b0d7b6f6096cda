/** The part of the contract (see config.ts) that says where the spans of messages go. */
import { z } from 'zod';

export const tracingSettingsSchema = z.object({
  endpoint: z
    .url({ protocol: /^https?$/, error: 'must be an address such as http://collector.monitoring:4318', abort: true })
    // it is shown in the log, and `fetch` takes no address with a password
    .refine((text) => new URL(text).username === '' && new URL(text).search === '', {
      error: 'must have no user name, password or query',
    })
    .describe(
      'Base address of a collector that takes OTLP over HTTP: spans of messages go to `/v1/traces` there. Only messages whose field `Traceparent` says that their application sends its spans too have spans',
    ),
});
