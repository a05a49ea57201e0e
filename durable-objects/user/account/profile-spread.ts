/** Has rooms, and the user's own clients, learn of a changed profile. */
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import { readMeta, writeMeta } from '../../sqlite.ts'
import type { RoomJobs } from '../room-jobs.ts'
import { fieldsChanged, noteFields } from './profile-changes.ts'

interface ProfileSpreadParts {
  sql: SqlStorage
  now: () => number
  /** The next place in the user's own log. */
  nextOwn: () => number
  jobs: () => RoomJobs
  joinedRooms: () => string[]
}

/** How long after a change of the profile a join may still show the old one, ms. */
const UNSETTLED_MS = 60_000
const CHANGED = 'profile_ts'
/** Up to this place of the own log all rooms know which fields have changed. */
const TOLD = 'profile_told'

export class ProfileSpread {
  readonly #parts: ProfileSpreadParts

  constructor(parts: ProfileSpreadParts) {
    this.#parts = parts
  }

  /** Asks for a job in each room, inside the transaction that changes the profile. */
  begin(changed: readonly Pick<UserLogEntry, 'key'>[]): void {
    const { sql, nextOwn, jobs, joinedRooms, now } = this.#parts
    const own = nextOwn()
    const fields = changed.map(({ key }) => key)
    noteFields(sql, fields, own)
    if (!jobs().waitingFor('profile')) writeMeta(sql, TOLD, own - 1)
    jobs().add('profile', joinedRooms())
    writeMeta(sql, CHANGED, now())
  }

  /** A room was joined: it may have been written with the profile of a moment ago. Answers whether there is a job. */
  roomJoined(roomId: string): boolean {
    const { sql, jobs, now } = this.#parts
    if (now() - (readMeta<number>(sql, CHANGED) ?? 0) > UNSETTLED_MS) return false
    jobs().add('profile', [roomId])
    return true
  }

  /** The fields of which a room may not know yet that they have changed. */
  untold(): string[] {
    const { sql } = this.#parts
    const told = readMeta<number>(sql, TOLD)
    return told === undefined ? [] : fieldsChanged(sql, told, Number.MAX_SAFE_INTEGER)
  }
}
