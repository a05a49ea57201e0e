/**
 * Tells the event stream that a user's account, devices or presence have changed. It does not tell what a profile or a
 * status says, so an erasure has nothing to take back there. Nothing is stored where the stream is off.
 */
import type { Delivery, NewRecord } from '../../src/objects/partition/records.ts'
import type { PresenceState } from '../../src/objects/user/presence.ts'
import type { UserLogEntry } from '../../src/ports/archive.ts'
import type { Topic } from '../../src/protocol/event-stream.ts'
import type { JsonObject } from '../../src/protocol/events/canonical-json.ts'
import { Courier, type Outlet } from '../consumer.ts'
import { first, readMeta } from '../sqlite.ts'

export const EVENT_OUTBOX_TABLE = `
  -- What the event stream is yet to be told of the user.
  CREATE TABLE event_outbox (seq INTEGER PRIMARY KEY, topic TEXT NOT NULL, body TEXT NOT NULL);
`

type OutboxRow = { seq: number; topic: Topic; body: string }
type LogEntry = Omit<UserLogEntry, 'seq'>

const BATCH = 200
/** How long what is committed waits for company, ms. */
const GATHER_MS = 40

/** What each kind of change to an account tells. Other kinds are the user's own affair. */
const TELLS: ReadonlyMap<string, (entry: LogEntry) => JsonObject> = new Map([
  ['device', ({ key, body }: LogEntry) => ({ kind: 'device', device_id: key, removed: body === null })],
  ['profile', ({ key, body }: LogEntry) => ({ kind: 'profile', field: key, removed: body === null })],
  ['standing', ({ body }: LogEntry) => ({ kind: 'standing', ...(JSON.parse(body ?? '{}') as JsonObject) })],
])

/** Whether a change is told. */
export function isTold(entries: readonly LogEntry[]): boolean {
  return entries.some(({ kind }) => TELLS.has(kind))
}

export interface EventOutboxParts {
  sql: SqlStorage
  userId: () => string
  /** Whether there is a stream. */
  on: boolean
  now: () => number
  deliver: (delivery: Delivery) => Promise<unknown>
  arm: (at: number) => void
}

export class EventOutbox extends Courier<Delivery> {
  readonly #parts: EventOutboxParts
  #last = 0
  #isSoon = false

  constructor(parts: EventOutboxParts) {
    const outlet: Outlet<Delivery> = {
      read: () => this.#read(),
      deliver: async (delivery) => void (await parts.deliver(delivery)),
      acknowledge: ({ upTo }) => void parts.sql.exec('DELETE FROM event_outbox WHERE seq <= ?', upTo),
    }
    super(outlet, parts.now)
    this.#parts = parts
  }

  get isOn(): boolean {
    return this.#parts.on
  }

  /** Notes changes of the account, inside the caller's transaction. The first one ever is its beginning. */
  note(entries: readonly LogEntry[]): void {
    if (!this.#parts.on || entries.length === 0) return
    if (readMeta(this.#parts.sql, 'user_id') === undefined) this.#put('accounts', { kind: 'created' })
    for (const entry of entries) {
      const body = TELLS.get(entry.kind)?.(entry)
      if (body !== undefined) this.#put('accounts', body)
    }
  }

  /** Notes the presence that others are shown. */
  notePresence({ presence, lastActive }: PresenceState): void {
    if (!this.#parts.on) return
    const active = lastActive === undefined ? {} : { last_active_ts: lastActive }
    this.#put('presence', { kind: 'presence', presence, ...active })
    this.#parts.arm(this.#parts.now() + GATHER_MS)
  }

  /** Whether anything is on its way. */
  waiting(): boolean {
    return (
      this.#parts.on && first(this.#parts.sql, 'SELECT 1 AS found FROM event_outbox LIMIT 1') !== undefined
    )
  }

  /** After a commit for which the alarm is armed too. */
  tellSoon(): void {
    if (!this.#parts.on || this.#isSoon) return
    this.#isSoon = true
    setTimeout(() => {
      this.#isSoon = false
      // The alarm tries again.
      void this.flush().catch(() => undefined)
    }, GATHER_MS)
  }

  /** Places follow the clock (µs), as those of the user's log: rows that knew the last one go when they are told. */
  #put(topic: Topic, body: JsonObject): void {
    this.#last = Math.max(this.#last + 1, this.#parts.now() * 1_000)
    const text = JSON.stringify({ user_id: this.#parts.userId(), position: this.#last, ...body })
    this.#parts.sql.exec(
      'INSERT INTO event_outbox (seq, topic, body) VALUES (?, ?, ?)',
      this.#last,
      topic,
      text,
    )
  }

  #read(): { items: Delivery[]; more: () => boolean } {
    const { sql, on, userId } = this.#parts
    const query = 'SELECT seq, topic, body FROM event_outbox ORDER BY seq LIMIT ?'
    const rows = on ? sql.exec<OutboxRow>(query, BATCH).toArray() : []
    const last = rows.at(-1)
    if (last === undefined) return { items: [], more: () => false }
    const records: NewRecord[] = rows.map(({ seq, topic, body }) => ({ pos: seq, topic, body }))
    return {
      items: [{ source: userId(), records, strips: [], upTo: last.seq }],
      more: () => this.waiting(),
    }
  }
}
