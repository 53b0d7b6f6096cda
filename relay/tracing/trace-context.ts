/**
 * The trace that a message belongs to: an application names it in a field `Traceparent` of the header section (W3C Trace
 * Context), as it does in a request over HTTP. It is a hint of the client's, and taken only where there is no doubt.
 */
import { randomBytes } from 'node:crypto';

export interface TraceContext {
  /** 32 hex digits. */
  readonly traceId: string;
  /** The span of the application, 16 hex digits. */
  readonly parentId: string;
  /** Whether the application sends its own spans somewhere. */
  readonly isSampled: boolean;
}

/** The trace as a message carries it from its acceptance on: further spans are below that of its acceptance. */
export interface MessageTrace {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
}

const FIELD = /^traceparent:[ \t]*([^\r\n]*)/gim;
const VERSION_0 = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
/** Later versions: the same parts are read, whatever follows them. */
const LATER_VERSION = /^(?!00|ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-[\x21-\x7e]{1,200})?$/;
const SAMPLED = 1;

/** Undefined where there is none, more than one, or one that is not as it should be. */
export function readTraceContext(headerSection: Buffer): TraceContext | undefined {
  const found = [...headerSection.toString('latin1').matchAll(FIELD)];
  const value = found.length === 1 ? found[0]?.[1]?.trimEnd() : undefined;
  const [, traceId = '', parentId = '', flags = ''] =
    VERSION_0.exec(value ?? '') ?? LATER_VERSION.exec(value ?? '') ?? [];
  if (isEmpty(traceId) || isEmpty(parentId)) return undefined;
  return { traceId, parentId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED };
}

/** Nothing, or zeros only, which the standard calls invalid. */
function isEmpty(id: string): boolean {
  return /^0*$/.test(id);
}

export function messageTraceOf({ traceId, isSampled }: TraceContext): MessageTrace {
  return { traceId, spanId: newSpanId(), isSampled };
}

export function newSpanId(): string {
  return randomBytes(8).toString('hex');
}

/** For a line of the log, by the name that programs which read logs look for. */
export function traceField(trace: Pick<MessageTrace, 'traceId'> | undefined): { readonly trace_id?: string } {
  return trace === undefined ? {} : { trace_id: trace.traceId };
}
