/** Spans on their way to a collector, by OTLP over HTTP: some together, and lost where it does not take them. */
import * as z from 'zod'
import { discard, readBytes } from '../outside.ts'
import type { Logger } from '../ports/log.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { Span, SpanSink } from '../ports/traces.ts'
import { exportRequest, type TraceSource } from './otlp.ts'

/** Spans of one request to the collector. */
const BATCH = 512
/** Spans that wait: what comes while there are as many is dropped. */
const MOST_WAITING = 2_048
/** How long spans wait for others, ms. */
const GATHER_MS = 1_000
const PATIENCE_MS = 5_000
const LONGEST_ANSWER = 65_536

export interface ExporterParts {
  /** Where traces go, `/v1/traces` included. */
  url: string
  headers: Record<string, string>
  source: TraceSource
  fetch: typeof fetch
  metrics: Metrics
  log: Logger
  sleep: (ms: number) => Promise<void>
}

export function otlpExporter(parts: ExporterParts): SpanSink {
  const { metrics, log, sleep } = parts
  const waiting: Span[] = []
  let isGathering = false
  const send = async (): Promise<void> => {
    await sleep(GATHER_MS)
    isGathering = false
    while (waiting.length > 0) {
      const batch = waiting.splice(0, BATCH)
      const rejected = await exported(parts, batch).catch((error: unknown) => {
        log.trouble('otlp', 'the collector did not take traces', { error: nameOf(error) })
        return batch.length
      })
      metrics.count('trace_spans_total', { outcome: 'exported' }, batch.length - rejected)
      metrics.count('trace_spans_total', { outcome: 'lost' }, rejected)
    }
  }
  return {
    take(spans, later) {
      const room = Math.max(0, MOST_WAITING - waiting.length)
      waiting.push(...spans.slice(0, room))
      metrics.count('trace_spans_total', { outcome: 'lost' }, Math.max(0, spans.length - room))
      if (isGathering) return
      isGathering = true
      later(send())
    },
  }
}

/** §Partial Success: the collector has taken the others. Numbers of 64 bits are texts. */
const Answer = z.object({
  partialSuccess: z.object({ rejectedSpans: z.coerce.number().min(0).default(0) }).optional(),
})

/** How many spans the collector has refused. @throws where it has taken none */
async function exported(parts: ExporterParts, batch: readonly Span[]): Promise<number> {
  const response = await parts.fetch(parts.url, {
    method: 'POST',
    headers: { ...parts.headers, 'content-type': 'application/json' },
    body: JSON.stringify(exportRequest(batch, parts.source)),
    redirect: 'manual',
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
  if (!response.ok) {
    await discard(response)
    throw new CollectorRefusal(response.status)
  }
  const { bytes } = await readBytes(response, LONGEST_ANSWER)
  const answer = Answer.safeParse(parsed(new TextDecoder().decode(bytes)))
  return Math.min(batch.length, answer.data?.partialSuccess?.rejectedSpans ?? 0)
}

/** Some collectors answer nothing. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

class CollectorRefusal extends Error {
  constructor(status: number) {
    super()
    this.name = `HTTP_${status}`
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown'
}
