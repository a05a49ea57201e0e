/** Room positions: one integer for everything a client can see of the room, never repeated, never going back. */
import { readMeta, writeMeta } from '../../sqlite.ts'

const RESERVATION = 1_000

/**
 * Positions come from a durable reservation, raised inside the transaction that needs it, so most events write
 * nothing for theirs. A new incarnation starts at the end of the last reservation: gaps are normal.
 */
export class Positions {
  readonly #sql: SqlStorage
  #last: number
  #reservedTo: number
  /** Where this incarnation began: positions between the durable head and this one were volatile, or never given. */
  startedAt: number

  constructor(sql: SqlStorage) {
    this.#sql = sql
    this.#reservedTo = readMeta<number>(sql, 'reserved_to') ?? 0
    this.#last = this.#reservedTo
    this.startedAt = this.#reservedTo
  }

  /** Nothing was ever given above this. */
  get last(): number {
    return this.#last
  }

  /** The next position. Call it inside a transaction: it may raise the reservation (one row). */
  next(): number {
    this.#last += 1
    if (this.#last > this.#reservedTo) {
      this.#reservedTo = this.#last + RESERVATION - 1
      writeMeta(this.#sql, 'reserved_to', this.#reservedTo)
    }
    return this.#last
  }

  /** Leaves positions out, for what may come later and belongs there. Call it inside a transaction. One row. */
  skip(count: number): void {
    this.#last += count
    this.#reservedTo = Math.max(this.#reservedTo, this.#last)
    writeMeta(this.#sql, 'reserved_to', this.#reservedTo)
  }

  /** A rebuilt room goes on far above everything it ever gave. Call it inside a transaction. One row. */
  restartAt(pos: number): void {
    this.#last = pos
    this.#reservedTo = pos
    this.startedAt = pos
    writeMeta(this.#sql, 'reserved_to', pos)
  }

  /** After a transaction was rolled back: its reservation is gone, and the numbers it used stay used. */
  rolledBack(): void {
    this.#reservedTo = readMeta<number>(this.#sql, 'reserved_to') ?? 0
  }
}
