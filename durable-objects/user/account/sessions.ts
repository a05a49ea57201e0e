/** Redis's copy of the user's sessions: written by this object alone, one write after the other. */
import type { Session } from '../../../src/objects/user/session.ts'
import type { SessionStore } from '../../../src/ports/sessions.ts'
import { first } from '../../sqlite.ts'

type RevokedRow = { session_id: string }

/**
 * The device rows are the truth. A revocation is in the table `revoked` until Redis has it; a copy is written only
 * after everything before it, so that none can bring an ended session back.
 */
export class SessionCopies {
  readonly #sql: SqlStorage
  readonly #store: SessionStore
  #queue: Promise<void> = Promise.resolve()

  constructor(sql: SqlStorage, store: SessionStore) {
    this.#sql = sql
    this.#store = store
  }

  /** Notes ended sessions, inside the transaction that ends them; one row each. */
  revoke(sessionIds: readonly string[]): void {
    for (const id of sessionIds) this.#sql.exec('INSERT OR IGNORE INTO revoked (session_id) VALUES (?)', id)
  }

  /** Whether Redis has yet to be told of any. */
  waiting(): boolean {
    return first(this.#sql, 'SELECT 1 AS found FROM revoked LIMIT 1') !== undefined
  }

  /** Copies a session that was just found alive. A failure costs no more than the next check. */
  copy(session: Session): Promise<void> {
    return this.#after(() => this.#store.put(session)).catch(() => undefined)
  }

  /** Tells Redis of ended sessions. @throws when it does not take them: the alarm tries again */
  flush(): Promise<void> {
    return this.#after(async () => {
      const ids = this.#sql
        .exec<RevokedRow>('SELECT session_id FROM revoked LIMIT 500')
        .toArray()
        .map((row) => row.session_id)
      if (ids.length === 0) return
      await this.#store.remove(ids)
      for (const id of ids) this.#sql.exec('DELETE FROM revoked WHERE session_id = ?', id)
    })
  }

  #after(work: () => Promise<void>): Promise<void> {
    const run = this.#queue.then(work)
    this.#queue = run.catch(() => undefined)
    return run
  }
}
