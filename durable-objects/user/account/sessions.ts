/** Redis's copy of the user's sessions, where the settings want one: written by this object alone, one write after the other. */
import type { Session } from '../../../src/objects/user/session.ts'
import type { SessionStore } from '../../../src/ports/sessions.ts'
import { Courier, type Outlet } from '../../consumer.ts'
import { first } from '../../sqlite.ts'

export const REVOKED_TABLE = `
  -- Sessions that ended, until Redis has been told.
  CREATE TABLE revoked (session_id TEXT PRIMARY KEY) WITHOUT ROWID;
`

/** Sessions in one call. */
const BATCH = 500

type RevokedRow = { session_id: string }

/**
 * The device rows are the truth. A revocation is in the table `revoked` until Redis has it; a copy is written only
 * after everything before it, so that none can bring an ended session back.
 */
export class SessionCopies {
  readonly #sql: SqlStorage
  readonly #store: SessionStore
  readonly #courier: Courier<string[]>
  #queue: Promise<void> = Promise.resolve()

  constructor(sql: SqlStorage, store: SessionStore, now: () => number) {
    this.#sql = sql
    this.#store = store
    this.#courier = new Courier(this.#outlet, now)
  }

  /** Notes ended sessions, inside the transaction that ends them; one row each. */
  revoke(sessionIds: readonly string[]): void {
    if (!this.#store.isKept) return
    for (const id of sessionIds) this.#sql.exec('INSERT OR IGNORE INTO revoked (session_id) VALUES (?)', id)
  }

  /** Whether Redis has yet to be told of any. */
  waiting(): boolean {
    return first(this.#sql, 'SELECT 1 AS found FROM revoked LIMIT 1') !== undefined
  }

  /** Copies a session that was just found alive. If that fails, the next check asks here again, and that is all. */
  copy(session: Session): Promise<void> {
    return this.#after(() => this.#store.put(session)).catch(() => undefined)
  }

  /** Tells Redis of ended sessions. @throws when it does not take them: the alarm tries again */
  flush(): Promise<boolean> {
    return this.#courier.flush()
  }

  /** From the alarm. Answers when to go on. */
  run(): Promise<number | undefined> {
    return this.#courier.run()
  }

  get #outlet(): Outlet<string[]> {
    return {
      read: () => {
        const query = 'SELECT session_id FROM revoked LIMIT ?'
        const ids = this.#sql.exec<RevokedRow>(query, BATCH).toArray()
        const batch = ids.map((row) => row.session_id)
        return { items: batch.length === 0 ? [] : [batch], more: () => batch.length === BATCH }
      },
      deliver: (ids) => this.#after(() => this.#store.remove(ids)),
      acknowledge: (ids) => {
        for (const id of ids) this.#sql.exec('DELETE FROM revoked WHERE session_id = ?', id)
      },
    }
  }

  #after(work: () => Promise<void>): Promise<void> {
    const run = this.#queue.then(work)
    this.#queue = run.catch(() => undefined)
    return run
  }
}
