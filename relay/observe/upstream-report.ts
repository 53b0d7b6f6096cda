/**
 * What a relay tells the operator of its upstreams (page `/upstreamz`): the second half of the contract beside config.ts. By
 * list, with no mail address and no secret in it: whoever reaches the port may read it.
 */
import { z } from 'zod';

/** Names in one answer: more lists than a class is measured with. What fails is named first. */
export const REPORTED_LISTS_MAX = 20_000;
/** Length of an upstream's words: enough for a reply with its hints. */
export const REPORTED_ERROR_MAX = 300;

const troubleSchema = z.object({
  /** When the first of the failures in a row was; ISO 8601, as `time`. */
  since: z.iso.datetime(),
  /** When the last one was. */
  time: z.iso.datetime(),
  /** What was in the way then: for people. */
  error: z.string().max(REPORTED_ERROR_MAX),
});

export const upstreamReportSchema = z.object({
  /** When this run of the relay began: it knows nothing from before. ISO 8601. */
  startTime: z.iso.datetime(),
  upstreams: z.array(
    z.object({
      /** Lists (`NAMESPACE/NAME`) whose mail was handed over, or waits where there is trouble. */
      lists: z.array(z.string()).max(REPORTED_LISTS_MAX),
      /** Absent where the upstream takes mail. */
      trouble: troubleSchema.optional(),
    }),
  ),
});

export type UpstreamTrouble = z.infer<typeof troubleSchema>;
export type UpstreamReport = z.infer<typeof upstreamReportSchema>;
export type KnownUpstreams = UpstreamReport['upstreams'];
