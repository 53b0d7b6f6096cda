/**
 * The spans in the life of a message: its acceptance, and each attempt to hand it on. They contain no address, and no
 * text of a reply.
 */
import type { Answer } from '../replies.ts';
import type { QueuedMessage, Verdict } from '../spool/record.ts';
import { newSpanId, type MessageTrace, type TraceContext } from './trace-context.ts';
import type { SpanSender } from './span-sender.ts';

interface Submitted {
  readonly id: string;
  readonly list: string;
  readonly transaction: { readonly recipients: { readonly size: number } };
  readonly isTaken: boolean;
  readonly size: number;
  readonly dataMs: number;
  readonly storeMs: number;
}

/** From DATA to its answer. Its id is what the message carries on. */
export function spanOfSubmission(
  spans: SpanSender,
  { context, trace }: { readonly context: TraceContext; readonly trace: MessageTrace },
  { code, reason = 'internal' }: Answer,
  { id, list, transaction, isTaken, size, dataMs, storeMs }: Submitted,
): void {
  if (!trace.isSampled || !spans.isOn()) return;
  const endMs = Date.now();
  spans.send({
    name: 'smtp submit',
    kind: 'server',
    traceId: trace.traceId,
    spanId: trace.spanId,
    parentId: context.parentId,
    startMs: endMs - dataMs - storeMs,
    endMs,
    isError: !isTaken,
    attributes: {
      'smtpplus.queue_id': id,
      'smtpplus.list': list,
      'smtpplus.recipients': transaction.recipients.size,
      'smtpplus.bytes': size,
      'smtpplus.result': reason,
      'smtpplus.reply_code': code,
    },
  });
}

/** @param verdicts of those who were tried. */
export function spanOfDelivery(
  spans: SpanSender,
  { id, list, namespace, trace }: Pick<QueuedMessage, 'id' | 'list' | 'namespace' | 'trace'>,
  verdicts: readonly Verdict[],
  { upstream, attempt, ms }: { readonly upstream: string; readonly attempt: number; readonly ms: number },
): void {
  if (trace?.isSampled !== true || !spans.isOn()) return;
  const worst = verdicts.find(({ outcome }) => outcome !== 'delivered') ?? verdicts[0];
  const endMs = Date.now();
  spans.send({
    name: 'smtp deliver',
    kind: 'client',
    traceId: trace.traceId,
    spanId: newSpanId(),
    parentId: trace.spanId,
    startMs: endMs - ms,
    endMs,
    isError: worst?.outcome !== 'delivered',
    attributes: {
      'server.address': upstream,
      'smtpplus.queue_id': id,
      'smtpplus.list': list,
      'smtpplus.namespace': namespace,
      'smtpplus.attempt': attempt,
      'smtpplus.recipients': verdicts.length,
      'smtpplus.result': worst?.outcome ?? 'none',
      'smtpplus.enhanced_status': worst?.enhanced ?? '',
      ...(worst?.code === undefined ? {} : { 'smtpplus.reply_code': worst.code }),
    },
  });
}
