/** The trace of the request that this runs in, if it has one: parts of its work are timed as its spans. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock, Random } from '../ports/system.ts'
import type { Attributes, Span } from '../ports/traces.ts'

const TRACE_BYTES = 16
const SPAN_BYTES = 8
/** A request that asks more than this is known by these. */
const MOST_SPANS = 256

/** One place in a trace: spans that begin here are below it. */
interface Place {
  trace: Trace
  spanId: string
}

const current = new AsyncLocalStorage<Place>()

/** A request's trace, while it is under way. */
export class Trace {
  readonly #traceId: string
  readonly #spanId: string
  readonly #clock: Clock
  readonly #random: Random
  readonly #startedAt: number
  readonly #spans: Span[] = []

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
    this.#startedAt = clock.now()
    this.#traceId = hex(random.bytes(TRACE_BYTES))
    this.#spanId = this.#newSpanId()
  }

  /** What `work` asks of other parts becomes spans of this trace. */
  run<T>(work: () => T): T {
    return current.run({ trace: this, spanId: this.#spanId }, work)
  }

  /** The request was answered. Answers all spans, its own first. */
  end(name: string, attributes: Attributes, failed: boolean): Span[] {
    const own: Span = {
      traceId: this.#traceId,
      spanId: this.#spanId,
      name,
      kind: 'server',
      startedAt: this.#startedAt,
      endedAt: this.#clock.now(),
      attributes,
      failed,
    }
    return [own, ...this.#spans.splice(0)]
  }

  /** Times a piece of work below a place. */
  async timed<T>(
    parentSpanId: string,
    { name, attributes }: { name: string; attributes: Attributes },
    work: () => Promise<T>,
  ): Promise<T> {
    const spanId = this.#newSpanId()
    const startedAt = this.#clock.now()
    const end = (more: Attributes, failed: boolean) => {
      if (this.#spans.length >= MOST_SPANS) return
      this.#spans.push({
        traceId: this.#traceId,
        spanId,
        parentSpanId,
        name,
        kind: 'client',
        startedAt,
        endedAt: this.#clock.now(),
        attributes: { ...attributes, ...more },
        failed,
      })
    }
    try {
      const answer = await current.run({ trace: this, spanId }, work)
      end({}, false)
      return answer
    } catch (error) {
      // The name of its class: what it says may hold what a user wrote.
      end({ 'error.type': error instanceof Error ? error.name : 'unknown' }, true)
      throw error
    }
  }

  #newSpanId(): string {
    return hex(this.#random.bytes(SPAN_BYTES))
  }
}

/** Times `work` as a span of the request that this runs in. Without a trace it only runs. */
export function asSpan<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  const place = current.getStore()
  return place === undefined ? work() : place.trace.timed(place.spanId, { name, attributes }, work)
}

/** The same `send`, its requests timed. */
export function tracedFetch(name: string, attributes: Attributes, send: typeof fetch): typeof fetch {
  return (input, init) => asSpan(name, attributes, () => send(input, init))
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
