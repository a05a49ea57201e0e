/** The trace of the request that this runs in, if it has one: parts of its work are timed as its spans. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock, Random } from '../ports/system.ts'
import type { Attributes, Span, TraceContext } from '../ports/traces.ts'

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
/** Until the first trace nothing is looked up, so that a server without traces pays nothing for them. */
let isTracing = false

type Work = Pick<Span, 'name' | 'kind' | 'attributes'>

/** A request's trace while it is under way, or an object's part of one while the object answers a call. */
export class Trace {
  readonly #traceId: string
  readonly #spanId: string
  readonly #above: string | undefined
  readonly #clock: Clock
  readonly #random: Random
  readonly #startedAt: number
  readonly #spans: Span[] = []
  #isOver = false
  #hasWritten = false

  /** @param above where the call was made that this part of a trace answers */
  constructor(clock: Clock, random: Random, above?: TraceContext) {
    isTracing = true
    this.#clock = clock
    this.#random = random
    this.#startedAt = clock.now()
    this.#traceId = above?.traceId ?? hex(random.bytes(TRACE_BYTES))
    this.#above = above?.spanId
    this.#spanId = this.#newSpanId()
  }

  /** Whether a transaction of an object's storage was part of it. */
  get hasWritten(): boolean {
    return this.#hasWritten
  }

  /** What `work` asks of other parts becomes spans of this trace. */
  run<T>(work: () => T): T {
    return current.run({ trace: this, spanId: this.#spanId }, work)
  }

  /** The request or call was answered. Answers all spans, its own first; what ends later is in none. */
  end(name: string, attributes: Attributes, failed: boolean): Span[] {
    this.#isOver = true
    const own = {
      ...this.#span(this.#spanId, this.#above, this.#startedAt),
      ...{ name, attributes, failed, kind: 'server' as const },
    }
    return [own, ...this.#spans.splice(0)]
  }

  /** As it goes with a call from below `spanId`; undefined where the answer would come too late to be told of. */
  contextAt(spanId: string): TraceContext | undefined {
    return this.#isOver ? undefined : { traceId: this.#traceId, spanId }
  }

  /** Takes what another part has timed. */
  adopt(spans: readonly Span[]): void {
    if (!this.#isOver) this.#spans.push(...spans.slice(0, Math.max(0, MOST_SPANS - this.#spans.length)))
  }

  /** Times a piece of work below a place. */
  async timed<T>(parent: string, work: Work, run: () => Promise<T>): Promise<T> {
    const spanId = this.#newSpanId()
    const end = this.#begin(spanId, parent, work)
    try {
      const answer = await current.run({ trace: this, spanId }, run)
      end()
      return answer
    } catch (error) {
      end(error)
      throw error
    }
  }

  /** The same of a transaction, which does not wait. */
  transaction<T>(parent: string, run: () => T): T {
    this.#hasWritten = true
    const end = this.#begin(this.#newSpanId(), parent, TRANSACTION)
    try {
      const value = run()
      end()
      return value
    } catch (error) {
      end(error)
      throw error
    }
  }

  #begin(spanId: string, parent: string, { name, kind, attributes }: Work): (error?: unknown) => void {
    const startedAt = this.#clock.now()
    return (error) => {
      if (this.#isOver || this.#spans.length >= MOST_SPANS) return
      const failed = error !== undefined
      // The name of its class: what it says may hold what a user wrote.
      const more: Attributes = failed ? { 'error.type': error instanceof Error ? error.name : 'unknown' } : {}
      const span = this.#span(spanId, parent, startedAt)
      this.#spans.push({ ...span, name, kind, attributes: { ...attributes, ...more }, failed })
    }
  }

  #span(spanId: string, parentSpanId: string | undefined, startedAt: number) {
    const above = parentSpanId === undefined ? {} : { parentSpanId }
    return { traceId: this.#traceId, spanId, ...above, startedAt, endedAt: this.#clock.now() }
  }

  #newSpanId(): string {
    return hex(this.#random.bytes(SPAN_BYTES))
  }
}

const STORAGE: Attributes = { 'db.system.name': 'sqlite' }
const TRANSACTION: Work = { name: 'storage.transaction', kind: 'internal', attributes: STORAGE }

const placeNow = (): Place | undefined => (isTracing ? current.getStore() : undefined)

/** Whether this runs in a request with a trace. */
export const isTraced = (): boolean => placeNow() !== undefined

/** Times `work` as a span of the request that this runs in. Without a trace it only runs. */
export function asSpan<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  return within({ name, attributes, kind: 'client' }, work)
}

/** Times how long it takes until what an object has written is on the disk. */
export function asCommit(work: () => Promise<void>): Promise<void> {
  return within({ name: 'storage.commit', attributes: STORAGE, kind: 'internal' }, work)
}

function within<T>(what: Work, work: () => Promise<T>): Promise<T> {
  const place = placeNow()
  return place === undefined ? work() : place.trace.timed(place.spanId, what, work)
}

/** Times a transaction of an object's storage, where the object answers a call of a trace. */
export function asTransaction<T>(work: () => T): T {
  const place = placeNow()
  return place === undefined ? work() : place.trace.transaction(place.spanId, work)
}

/** What a call to another part takes with it, and who takes what comes back; undefined without a trace. */
export function onward(): { context: TraceContext; adopt: (spans: readonly Span[]) => void } | undefined {
  const place = placeNow()
  const context = place?.trace.contextAt(place.spanId)
  return context && { context, adopt: (spans) => place?.trace.adopt(spans) }
}

/** The same `send`, its requests timed. */
export function tracedFetch(name: string, attributes: Attributes, send: typeof fetch): typeof fetch {
  return (input, init) => asSpan(name, attributes, () => send(input, init))
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
