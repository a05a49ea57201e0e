/** The user's changes on their way to Postgres: in order, at least once, in batches. */
import type { ArchiveStore, UserLogEntry } from '../../src/ports/archive.ts'
import { Courier, type Outlet } from '../consumer.ts'
import { first } from '../sqlite.ts'
import { coverTexts } from '../wipe.ts'

export const USER_LOG_TABLE = `
  -- Changes on their way to the archive.
  CREATE TABLE log (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT
  );
`

const BATCH = 500
/** Characters in one batch; one entry at least: a backed-up key alone may have 64 KiB. */
const BATCH_LENGTH = 1_000_000
/** What an erasure must leave no trace of, not even in the free space of the file. */
const PERSONAL = "'profile', 'account_data', 'filter'"

type LogRow = { seq: number; kind: string; key: string; body: string | null }

export interface UserLogParts {
  sql: SqlStorage
  userId: () => string
  archive: ArchiveStore
  now: () => number
}

export class UserLog {
  readonly #parts: UserLogParts
  readonly #courier: Courier<UserLogEntry[]>
  #last: number

  constructor(parts: UserLogParts) {
    const { sql } = parts
    this.#parts = parts
    this.#courier = new Courier(this.#outlet, parts.now)
    this.#last = first<{ seq: number | null }>(sql, 'SELECT max(seq) AS seq FROM log')?.seq ?? 0
  }

  get #sql(): SqlStorage {
    return this.#parts.sql
  }

  /**
   * Adds changes, inside the caller's transaction; one row each. Sequence numbers follow the clock (µs), since the
   * rows that knew the last one go when they are archived.
   */
  append(changes: readonly Omit<UserLogEntry, 'seq'>[], nowMs: number): void {
    for (const { kind, key, body } of changes) {
      this.#last = Math.max(this.#last + 1, nowMs * 1_000)
      this.#sql.exec(
        'INSERT INTO log (seq, kind, key, body) VALUES (?, ?, ?, ?)',
        this.#last,
        kind,
        key,
        body,
      )
    }
  }

  /** Whether anything is on its way. */
  waiting(): boolean {
    return first(this.#sql, 'SELECT 1 AS found FROM log LIMIT 1') !== undefined
  }

  /** Sends everything. @throws when Postgres does not take it: nothing is lost, the alarm tries again */
  flush(): Promise<boolean> {
    return this.#courier.flush()
  }

  /** From the alarm. Answers when to go on. */
  run(): Promise<number | undefined> {
    return this.#courier.run()
  }

  get #outlet(): Outlet<UserLogEntry[]> {
    return {
      read: () => {
        const { entries, more } = this.#oldest()
        return { items: entries.length === 0 ? [] : [entries], more: () => more }
      },
      deliver: (entries) => this.#parts.archive.applyUser(this.#parts.userId(), entries),
      acknowledge: (entries) => this.#remove(entries.at(-1)?.seq ?? 0),
    }
  }

  #remove(upTo: number): void {
    const clause = `seq <= ? AND kind IN (${PERSONAL})`
    coverTexts(this.#sql, 'log', 'body', { clause, values: [upTo] })
    this.#sql.exec('DELETE FROM log WHERE seq <= ?', upTo)
  }

  #oldest(): { entries: UserLogEntry[]; more: boolean } {
    const entries: UserLogEntry[] = []
    let length = 0
    const query = 'SELECT seq, kind, key, body FROM log ORDER BY seq LIMIT ?'
    for (const entry of this.#sql.exec<LogRow>(query, BATCH)) {
      length += entry.key.length + (entry.body?.length ?? 0)
      if (entries.length > 0 && length > BATCH_LENGTH) return { entries, more: true }
      entries.push(entry)
    }
    return { entries, more: entries.length === BATCH }
  }
}
