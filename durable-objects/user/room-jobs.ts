/** What this user's change means in many rooms: one row a room, done in slices from the alarm, and again after a crash. */
import { MatrixError } from '../../src/protocol/errors.ts'
import { first } from '../sqlite.ts'

export const ROOM_JOBS_TABLE = `
  CREATE TABLE room_jobs (
    kind TEXT NOT NULL,
    room_id TEXT NOT NULL,
    -- Asked for again while it is being done, a job gets a new one, and is done again.
    seq INTEGER NOT NULL,
    PRIMARY KEY (kind, room_id)
  ) WITHOUT ROWID;
`

/** Show the new profile; leave; serve the user's events redacted; mark the user's devices as changed; tell whether they have pushers. */
export type RoomJobKind = 'profile' | 'leave' | 'erase' | 'devices' | 'push'

type Row = { kind: RoomJobKind; room_id: string; seq: number }

/** Rooms in one go: each is a call, of which an invocation has a few hundred. */
const SLICE = 50

export class RoomJobs {
  readonly #sql: SqlStorage
  readonly #work: Readonly<Record<RoomJobKind, (roomId: string) => Promise<unknown>>>

  constructor(sql: SqlStorage, work: Readonly<Record<RoomJobKind, (roomId: string) => Promise<unknown>>>) {
    this.#sql = sql
    this.#work = work
  }

  /** Asks for a job in rooms, inside the caller's transaction; one row each. */
  add(kind: RoomJobKind, roomIds: Iterable<string>): void {
    let seq = first<{ seq: number | null }>(this.#sql, 'SELECT max(seq) AS seq FROM room_jobs')?.seq ?? 0
    for (const roomId of roomIds) {
      seq += 1
      const insert = 'INSERT OR REPLACE INTO room_jobs (kind, room_id, seq) VALUES (?, ?, ?)'
      this.#sql.exec(insert, kind, roomId, seq)
    }
  }

  /** Whether any is to be done. */
  waiting(): boolean {
    return first(this.#sql, 'SELECT 1 AS found FROM room_jobs LIMIT 1') !== undefined
  }

  /** Does a slice. Answers whether anything is left. @throws when a room could not be reached: tried again later */
  async run(): Promise<boolean> {
    const rows = this.#sql
      .exec<Row>('SELECT kind, room_id, seq FROM room_jobs ORDER BY seq LIMIT ?', SLICE)
      .toArray()
    const done = await Promise.allSettled(rows.map((row) => this.#do(row)))
    const failed = done.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
    return rows.length > 0 && this.waiting()
  }

  async #do({ kind, room_id: roomId, seq }: Row): Promise<void> {
    try {
      await this.#work[kind](roomId)
    } catch (error) {
      // A room that refuses will refuse again; one that is away comes back.
      if (!(error instanceof MatrixError) || error.status >= 500) throw error
    }
    const remove = 'DELETE FROM room_jobs WHERE kind = ? AND room_id = ? AND seq = ?'
    this.#sql.exec(remove, kind, roomId, seq)
  }
}
