/** Epochs: stored snapshots of the user's room positions, so that a token need only name what differs. */
import { first, readMeta } from '../../sqlite.ts'
import { MAX_TAIL, placeOfDevices, type SyncToken } from './sync-token.ts'

export type Positions = ReadonlyMap<number, number>

/** The epoch that every user starts with. */
const FIRST = 1
const DAY_MS = 86_400_000
const NOTHING: Positions = new Map()

export class Epochs {
  readonly #sql: SqlStorage
  readonly #snapshots = new Map<number, Positions>()
  /** The epoch of each device's token, as far as this incarnation has read it. */
  readonly #named = new Map<string, number>()
  /** Epochs before this one were of an object that is gone; this one is empty for ever, and needs no row. */
  readonly #first: number
  #newest: number

  constructor(sql: SqlStorage) {
    this.#sql = sql
    this.#first = readMeta<number>(sql, 'first_epoch') ?? FIRST
    this.#newest =
      first<{ epoch: number | null }>(sql, 'SELECT max(epoch) AS epoch FROM epochs')?.epoch ?? this.#first
  }

  get newest(): number {
    return this.#newest
  }

  /** The snapshot of an epoch; undefined once it is gone. */
  snapshot(epoch: number): Positions | undefined {
    if (epoch === this.#first) return NOTHING
    const known = this.#snapshots.get(epoch)
    if (known !== undefined) return known
    const row = first<{ positions: string }>(this.#sql, 'SELECT positions FROM epochs WHERE epoch = ?', epoch)
    if (row === undefined) return undefined
    const positions = new Map(JSON.parse(row.positions) as [number, number][])
    this.#snapshots.set(epoch, positions)
    return positions
  }

  /** Where a token stands in a room: 0 where it does not know the room. Its epoch must be alive. */
  position(token: SyncToken, room: number): number {
    return token.tail.get(room) ?? this.snapshot(token.epoch)?.get(room) ?? 0
  }

  /** How far anything of a room was told, its devices alone where it was hidden. */
  reach(token: SyncToken, room: number): number {
    return Math.max(this.position(token, room), this.position(token, placeOfDevices(room)))
  }

  /** A tail for `positions` over an epoch's snapshot, if it is short enough. */
  tailOver(epoch: number, positions: Positions): ReadonlyMap<number, number> | undefined {
    const snapshot = this.snapshot(epoch)
    if (snapshot === undefined) return undefined
    const tail = new Map<number, number>()
    for (const [room, pos] of positions) {
      if ((snapshot.get(room) ?? 0) === pos) continue
      tail.set(room, pos)
      if (tail.size > MAX_TAIL) return undefined
    }
    return tail
  }

  /** Starts an epoch with these positions. One row, and the old ones it lets go. Call it inside a transaction. */
  start(positions: Positions, now: number): number {
    this.#newest += 1
    this.#sql.exec(
      'INSERT INTO epochs (epoch, created_ts, positions) VALUES (?, ?, ?)',
      this.#newest,
      now,
      JSON.stringify([...positions]),
    )
    this.#snapshots.set(this.#newest, positions)
    this.#prune()
    return this.#newest
  }

  /** Kept: the newest, those of the last two tokens of each device, and the last of each day. */
  #prune(): void {
    this.#sql.exec(
      `DELETE FROM epochs WHERE epoch < ? - 1
         AND epoch NOT IN (SELECT last FROM device_epochs UNION SELECT previous FROM device_epochs)
         AND epoch NOT IN (SELECT max(epoch) FROM epochs GROUP BY created_ts / ${DAY_MS})`,
      this.#newest,
    )
    this.#snapshots.clear()
  }

  /** Remembers the epoch of a device's token: of each it sends back, and of its first. One row, when it is another. */
  named(deviceId: string, epoch: number): void {
    const query = 'SELECT last FROM device_epochs WHERE device_id = ?'
    const last = this.#named.get(deviceId) ?? first<{ last: number }>(this.#sql, query, deviceId)?.last
    this.#named.set(deviceId, epoch)
    if (last === epoch) return
    this.#sql.exec(
      'INSERT OR REPLACE INTO device_epochs (device_id, last, previous) VALUES (?, ?, ?)',
      deviceId,
      epoch,
      last ?? epoch,
    )
  }
}
