/** The log of a topic: what is appended to it, what is read of it, and what is taken out of it again. */
import type {
  Delivery,
  LogSlice,
  NewRecord,
  Strip,
  TopicStatus,
} from '../../src/objects/partition/records.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { type From, TOPICS, type Topic } from '../../src/protocol/event-stream.ts'
import type { LazyStorage } from '../sqlite.ts'
import {
  type BatchRow,
  BETWEEN,
  batchAt,
  batchesAfter,
  batchesOf,
  byteLength,
  dropBatch,
  insertBatch,
  newestBatch,
  offsetOf,
  oldestBatch,
  placeOf,
  rewriteLines,
} from './rows/batches.ts'
import { readEnd, writeEnd } from './rows/ends.ts'
import { notePosition, positionOf } from './rows/sources.ts'

/** Characters of a slice; one record at least. */
const SLICE_LENGTH = 1_000_000

/** Where a topic's log begins and ends. */
interface Ends {
  first: number
  next: number
  /** Bytes of all lines so far, and of those that are gone. */
  total: number
  gone: number
}

/** Sources whose positions are remembered. */
const MOST_KNOWN = 2_000

export class TopicLogs {
  readonly #storage: LazyStorage
  readonly #now: () => number
  /** What the tables say, as far as it was asked for: nobody else writes them. */
  readonly #ends = new Map<Topic, Ends>()
  readonly #positions = new Map<string, number>()

  constructor(storage: LazyStorage, now: () => number) {
    this.#storage = storage
    this.#now = now
  }

  get #sql(): SqlStorage {
    return this.#storage.sql
  }

  /** Takes what sources tell, unless it is here already. Answers the topics that have grown. */
  append(deliveries: readonly Delivery[]): Topic[] {
    return this.#write(() => {
      const grown = new Set<Topic>()
      for (const delivery of deliveries) for (const topic of this.#appendOne(delivery)) grown.add(topic)
      return [...grown]
    })
  }

  /** How much of a source's log is here; undefined: nothing. */
  positionOf(source: string): number | undefined {
    const known = this.#positions.get(source) ?? positionOf(this.#sql, source)
    if (known !== undefined) this.#rememberPosition(source, known)
    return known
  }

  /**
   * Reads records from an offset on. If retention has dropped that record, the slice begins with the oldest one left.
   * @throws MatrixError M_INVALID_PARAM beyond the end
   */
  read(topic: Topic, from: From, limit: number, most = SLICE_LENGTH): LogSlice {
    const { first, next: end } = this.#endsOf(topic)
    const asked = typeof from === 'number' ? from : { earliest: first, latest: end }[from]
    if (asked > end)
      throw new MatrixError('M_INVALID_PARAM', `The offset ${asked} is beyond the end of the log, ${end}`)
    const offset = Math.max(asked, first)
    const pieces: string[] = []
    let [count, length, next] = [0, 0, offset]
    for (const batch of offset === end ? [] : this.#batchesFrom(topic, offset)) {
      const start = offsetOf(batch.place)
      const skipped = Math.max(0, next - start)
      const wanted = Math.min(batch.records - skipped, limit - count)
      if (count > 0 && length + batch.lines.length > most) break
      const whole = skipped === 0 && wanted === batch.records
      const text = whole
        ? batch.lines
        : batch.lines
            .split(BETWEEN)
            .slice(skipped, skipped + wanted)
            .join(BETWEEN)
      pieces.push(text)
      length += text.length
      count += wanted
      next = start + skipped + wanted
      if (count >= limit) break
    }
    return { records: pieces.join(BETWEEN), count, offset, next, first, end }
  }

  endOf(topic: Topic): number {
    return this.#endsOf(topic).next
  }

  /** @throws MatrixError M_INVALID_PARAM beyond the end */
  requireOffset(topic: Topic, offset: number): void {
    const { next } = this.#endsOf(topic)
    if (offset > next)
      throw new MatrixError('M_INVALID_PARAM', `The offset ${offset} is beyond the end of the log, ${next}`)
  }

  status(topic: Topic): TopicStatus {
    const { first, next: end } = this.#endsOf(topic)
    const [oldest, newest] = [oldestBatch(this.#sql, topic), newestBatch(this.#sql, topic)]
    if (oldest === undefined || newest === undefined) return { first, end, bytes: 0 }
    return { first, end, bytes: this.bytesOf(topic), oldest: oldest.ts, newest: newest.ts }
  }

  /** What is kept of a topic. */
  bytesOf(topic: Topic): number {
    const { gone, total } = this.#endsOf(topic)
    return total - gone
  }

  /**
   * Drops what is too old, and what is too much, up to so many batches of each topic.
   * @returns when to look again, ms
   */
  retain({ ageMs, bytes, atOnce }: { ageMs: number; bytes: number; atOnce: number }): number | undefined {
    return this.#write(() => {
      const looks = TOPICS.map((topic) => this.#retainTopic(topic, { ageMs, bytes, atOnce }))
      this.#ends.clear()
      const next = Math.min(...looks.filter((look) => look !== undefined))
      return Number.isFinite(next) ? next : undefined
    })
  }

  /** When the oldest batch of all is to go, ms. */
  nextToGo(ageMs: number): number | undefined {
    const oldest = TOPICS.flatMap((topic) => oldestBatch(this.#sql, topic)?.ts ?? [])
    return oldest.length === 0 ? undefined : Math.min(...oldest) + ageMs
  }

  // ------------------------------------------------------------ inside

  /** One transaction. What is remembered of the tables goes with one that does not happen. */
  #write<T>(work: () => T): T {
    try {
      return this.#storage.transactionSync(work)
    } catch (error) {
      this.#ends.clear()
      this.#positions.clear()
      throw error
    }
  }

  #appendOne({ source, records, strips, upTo }: Delivery): Topic[] {
    const known = this.positionOf(source) ?? Number.NEGATIVE_INFINITY
    if (upTo <= known) return []
    const fresh = records.filter(({ pos }) => pos > known)
    const grown = TOPICS.filter((topic) => this.#appendTo(topic, source, fresh))
    for (const strip of strips) if (strip.pos > known) this.#strip(source, strip)
    notePosition(this.#sql, source, upTo)
    this.#rememberPosition(source, upTo)
    return grown
  }

  #rememberPosition(source: string, pos: number): void {
    if (this.#positions.size >= MOST_KNOWN) this.#positions.clear()
    this.#positions.set(source, pos)
  }

  #endsOf(topic: Topic): Ends {
    const ends = this.#ends.get(topic) ?? this.#readEnds(topic)
    this.#ends.set(topic, ends)
    return ends
  }

  #readEnds(topic: Topic): Ends {
    const newest = newestBatch(this.#sql, topic)
    const kept = readEnd(this.#sql, topic)
    if (newest === undefined)
      return { first: kept.next, next: kept.next, total: kept.total, gone: kept.total }
    const oldest = oldestBatch(this.#sql, topic) ?? newest
    return {
      first: offsetOf(oldest.place),
      next: Math.max(kept.next, offsetOf(newest.place) + newest.records),
      total: newest.total,
      gone: oldest.total - oldest.size,
    }
  }

  #appendTo(topic: Topic, source: string, fresh: readonly NewRecord[]): boolean {
    const records = fresh.filter((record) => record.topic === topic)
    const [oldest, newest] = [records[0], records.at(-1)]
    if (oldest === undefined || newest === undefined) return false
    const ends = this.#endsOf(topic)
    const { next, total } = ends
    const ts = this.#now()
    const lines = records
      .map(({ body }, index) => lineOf({ offset: next + index, timestamp: ts, key: source }, body))
      .join(BETWEEN)
    const size = byteLength(lines)
    insertBatch(this.#sql, {
      place: placeOf(topic, next),
      records: records.length,
      source,
      from_pos: oldest.pos,
      to_pos: newest.pos,
      ts,
      size,
      total: total + size,
      lines,
    })
    this.#ends.set(topic, { ...ends, next: next + records.length, total: total + size })
    return true
  }

  /** An offset that nothing stands at, as after a restore, leads to the next one that is there. */
  *#batchesFrom(topic: Topic, offset: number): Generator<BatchRow> {
    const found = batchAt(this.#sql, topic, offset)
    if (found !== undefined && offset < offsetOf(found.place) + found.records) yield found
    yield* batchesAfter(this.#sql, topic, placeOf(topic, offset))
  }

  /** Replaces what a record of the topic `events` says; its offset, key and time stay. */
  #strip(source: string, { of, body }: Strip): void {
    const batch = batchesOf(this.#sql, source, of).find(
      ({ place, from_pos }) => place < placeOf('membership', 0) && from_pos <= of,
    )
    if (batch === undefined) return
    const lines = batch.lines.split(BETWEEN)
    const at = lines.findIndex((line) => (JSON.parse(line) as { position: number }).position === of)
    if (at === -1) return
    const { offset, timestamp, key } = JSON.parse(lines[at] as string) as Head
    const changed = lines.with(at, lineOf({ offset, timestamp, key }, body)).join(BETWEEN)
    // As long as before, where that is possible: the row is then overwritten where it stands.
    const padding = ' '.repeat(Math.max(0, byteLength(batch.lines) - byteLength(changed)))
    rewriteLines(this.#sql, batch.place, changed + padding)
  }

  #retainTopic(
    topic: Topic,
    { ageMs, bytes, atOnce }: { ageMs: number; bytes: number; atOnce: number },
  ): number | undefined {
    const now = this.#now()
    const newest = newestBatch(this.#sql, topic)
    for (let dropped = 0; newest !== undefined; dropped += 1) {
      const oldest = oldestBatch(this.#sql, topic)
      if (oldest === undefined) return undefined
      const goesAt = oldest.ts + ageMs
      const isTooMuch = oldest.place !== newest.place && bytesBetween(oldest, newest) > bytes
      if (goesAt > now && !isTooMuch) return goesAt
      if (dropped === atOnce) return now
      if (oldest.place === newest.place) {
        const { next, total } = this.#endsOf(topic)
        writeEnd(this.#sql, { topic, next, total })
      }
      dropBatch(this.#sql, oldest.place)
    }
    return undefined
  }
}

/** What stands first in each record. */
interface Head {
  offset: number
  timestamp: number
  key: string
}

function lineOf({ offset, timestamp, key }: Head, body: string): string {
  return `{"offset":${offset},"timestamp":${timestamp},"key":${JSON.stringify(key)},${body.slice(1)}`
}

function bytesBetween(oldest: { total: number; size: number }, newest: { total: number }): number {
  return newest.total - oldest.total + oldest.size
}
