/**
 * OTLP as JSON: the protocol's own schema (opentelemetry-proto, trace/v1) by its mapping to JSON, in which ids are
 * hexadecimal, times are nanoseconds as texts, and enums are numbers.
 */
import type { Attributes, Span } from '../ports/traces.ts'

const KINDS: Record<Span['kind'], number> = { internal: 1, server: 2, client: 3 }
const STATUS_UNSET = 0
const STATUS_ERROR = 2

/** Who has made the spans. */
export interface TraceSource {
  version: string
  /** As it is called in ids. */
  serverName: string
}

/** The body of an export request. */
export function exportRequest(spans: readonly Span[], { version, serverName }: TraceSource): object {
  const resource = { 'service.name': 'selvedge', 'service.version': version, 'server.address': serverName }
  return {
    resourceSpans: [
      {
        resource: { attributes: keyValues(resource) },
        scopeSpans: [{ scope: { name: 'selvedge', version }, spans: spans.map(spanOf) }],
      },
    ],
  }
}

function spanOf(span: Span): object {
  const { traceId, spanId, parentSpanId, name, kind, startedAt, endedAt, attributes, failed } = span
  return {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(startedAt),
    endTimeUnixNano: nanoseconds(endedAt),
    attributes: keyValues(attributes),
    status: { code: failed ? STATUS_ERROR : STATUS_UNSET },
  }
}

function keyValues(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }))
}

/** 64-bit integers are texts. */
function anyValue(value: Attributes[string]): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}

function nanoseconds(ms: number): string {
  return `${Math.trunc(ms)}000000`
}
