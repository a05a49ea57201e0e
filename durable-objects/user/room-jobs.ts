/**
 * Work that a change of this user makes in many rooms: one row for each room, done in slices from the alarm, and
 * resumed after a crash.
 */
import { MatrixError } from '../../src/protocol/errors.ts'
import { Courier, type Outlet } from '../consumer.ts'
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

/** What is done in a room, for each kind. */
export type RoomWork = Readonly<Record<RoomJobKind, (roomId: string) => Promise<unknown>>>

type Row = { kind: RoomJobKind; room_id: string; seq: number }

/** Rooms in one go: each is a call, of which an invocation has a few hundred. */
const SLICE = 50

export class RoomJobs {
  readonly #sql: SqlStorage
  readonly #work: RoomWork
  readonly #courier: Courier<Row>

  constructor(sql: SqlStorage, work: RoomWork, now: () => number) {
    this.#sql = sql
    this.#work = work
    this.#courier = new Courier(this.#outlet, now)
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

  /** The same of one kind. */
  waitingFor(kind: RoomJobKind): boolean {
    return first(this.#sql, 'SELECT 1 AS found FROM room_jobs WHERE kind = ? LIMIT 1', kind) !== undefined
  }

  /** From the alarm: does a slice. Answers when to go on. @throws when a room was not reached: tried again later */
  run(): Promise<number | undefined> {
    return this.#courier.run()
  }

  get #outlet(): Outlet<Row> {
    const query = 'SELECT kind, room_id, seq FROM room_jobs ORDER BY seq LIMIT ?'
    return {
      batchPerRun: true,
      read: () => ({ items: this.#sql.exec<Row>(query, SLICE).toArray(), more: () => this.waiting() }),
      deliver: async ({ kind, room_id: roomId }) => {
        try {
          await this.#work[kind](roomId)
        } catch (error) {
          // A room that refuses will refuse again; one that is away comes back.
          if (!(error instanceof MatrixError) || error.status >= 500) throw error
        }
      },
      acknowledge: ({ kind, room_id: roomId, seq }) => {
        const remove = 'DELETE FROM room_jobs WHERE kind = ? AND room_id = ? AND seq = ?'
        this.#sql.exec(remove, kind, roomId, seq)
      },
    }
  }
}
