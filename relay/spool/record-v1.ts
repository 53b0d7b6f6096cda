/** Records of the first version, JSON without a checksum: read where a spool still has some, never written. */
import { z } from 'zod';

const verdictSchema = z.object({
  outcome: z.enum(['delivered', 'deferred', 'failed']),
  code: z.number().optional(),
  enhanced: z.string(),
  text: z.string(),
  at: z.enum(['MAIL', 'RCPT', 'DATA', 'content']).optional(),
});

const recordSchema = z.object({
  version: z.literal(1),
  id: z.string(),
  user: z.string(),
  list: z.string(),
  size: z.number(),
  received: z.iso.datetime(),
  envelope: z.object({
    from: z.string(),
    eightBit: z.boolean(),
    ret: z.enum(['FULL', 'HDRS']).exactOptional(),
    envelopeId: z.string().exactOptional(),
  }),
  unverifiedSender: z.literal(true).exactOptional(),
  reportOn: z.string().exactOptional(),
  pending: z
    .array(
      z.object({
        address: z.string(),
        notify: z.array(z.string()).exactOptional(),
        originalRecipient: z.string().exactOptional(),
        redirectedFrom: z.array(z.string()).exactOptional(),
        last: verdictSchema.optional(),
      }),
    )
    .min(1),
  attempts: z.number(),
  due: z.number(),
  delayNoticeSent: z.boolean(),
  reports: z.number(),
  isFile: z.boolean(),
});

/** Undefined where the text is no such record. */
export function parseRecordV1(record: string) {
  let json: unknown;
  try {
    json = JSON.parse(record);
  } catch {
    return undefined;
  }
  const result = recordSchema.safeParse(json);
  if (!result.success) return undefined;
  const { version: _, ...fields } = result.data;
  const [namespace = ''] = fields.list.split('/');
  return { ...fields, namespace, receivedMs: Date.parse(fields.received) };
}
