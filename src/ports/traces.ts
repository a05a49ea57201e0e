/** Traces of requests, as OpenTelemetry names their parts. */

export type Attributes = Record<string, string | number | boolean>

/** One timed piece of work, done. */
export interface Span {
  /** Hexadecimal digits: 32 of the trace, 16 of a span. */
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  /**
   * `server`: a request that was answered, or a call that an object has answered. `client`: something was asked of
   * another part. `internal`: work of one's own.
   */
  kind: 'server' | 'client' | 'internal'
  /** ms since the epoch. */
  startedAt: number
  endedAt: number
  attributes: Attributes
  failed: boolean
}

/** A place in a trace, as it goes with a call to another part: spans that begin there are below it. */
export type TraceContext = Pick<Span, 'traceId' | 'spanId'>

/** Where spans go. */
export interface SpanSink {
  /** Takes the spans of a trace, and keeps `later` at work until they have been sent. */
  take(spans: readonly Span[], later: (work: Promise<void>) => void): void
}
