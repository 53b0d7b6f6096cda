/** Spans in the form in which OTLP carries them over HTTP as JSON (opentelemetry-proto, trace/v1). */

export interface Span {
  readonly name: string;
  /** Whether we were asked to do it, or asked somebody. */
  readonly kind: 'server' | 'client';
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly isError: boolean;
}

const KINDS = { server: 2, client: 3 } as const;
const STATUS_ERROR = 2;
const SCOPE = { name: 'smtp-plus' };

export function encodeSpans(spans: readonly Span[], resource: Span['attributes']): string {
  const scopeSpans = [{ scope: SCOPE, spans: spans.map(encodeSpan) }];
  return JSON.stringify({ resourceSpans: [{ resource: { attributes: encodeAttributes(resource) }, scopeSpans }] });
}

function encodeSpan({ name, kind, traceId, spanId, parentId, startMs, endMs, attributes, isError }: Span): object {
  return {
    traceId,
    spanId,
    parentSpanId: parentId,
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(Math.max(startMs, endMs)),
    attributes: encodeAttributes(attributes),
    status: isError ? { code: STATUS_ERROR } : {},
  };
}

/** As text: JSON has no numbers of that size. */
function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1000)}000`;
}

function encodeAttributes(attributes: Span['attributes']): object[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(Math.round(value)) } : { stringValue: value },
  }));
}
