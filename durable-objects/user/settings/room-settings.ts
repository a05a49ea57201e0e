/** What a user's account data means for their rooms: tags, ignored users, wanted invites, upgrades. */
import type { MembershipChange } from '../../../src/objects/user/sync.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import type { Ports } from '../../../src/ports/ports.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { UserLog } from '../log.ts'
import { readCopy, restoreCopy } from '../rebuild.ts'
import { carriedOver } from '../sync/carry-over.ts'
import { type AccountDataEvent, requireSpace, writeAccountData } from './account-data.ts'
import { TAGS, withTag } from './tags.ts'

interface RoomSettingsParts {
  sql: SqlStorage
  userId: () => string
  ports: Pick<Ports, 'archive' | 'archiveReader' | 'clock' | 'config'>
  log: UserLog
  nextOwn: () => number
  /** Runs one transaction, and hands on what it changed. */
  mutate: <T>(work: () => { value: T; archive: readonly Omit<UserLogEntry, 'seq'>[] }) => T
  /** Runs one transaction after which nothing that is in memory holds any more. */
  replace: (work: () => void) => void
}

/** How often a rebuild tries to find a moment in which the archive has everything. */
const TRIES = 5

export class RoomSettings {
  readonly #parts: RoomSettingsParts

  constructor(parts: RoomSettingsParts) {
    this.#parts = parts
  }

  /** Sets a tag, or takes it away. Answers whether that changed anything. @throws MatrixError M_TOO_LARGE past the quota */
  setTag(roomId: string, tag: string, value: JsonObject | null): boolean {
    const { mutate, sql, ports } = this.#parts
    return mutate(() => {
      const content = withTag(sql, roomId, tag, value)
      if (content === undefined) return { value: false, archive: [] }
      const event = { roomId, type: TAGS, content }
      requireSpace(sql, event, ports.config.quotas)
      return { value: true, archive: this.#write([event]) }
    })
  }

  /** Takes the settings of the room before along, once its successor was joined. */
  joined({ roomId, membership, predecessor }: MembershipChange): void {
    if (membership !== 'join' || predecessor === undefined) return
    const changes = carriedOver(this.#parts.sql, predecessor, roomId)
    if (changes.length > 0) this.#parts.mutate(() => ({ value: undefined, archive: this.#write(changes) }))
  }

  /**
   * Makes the object again from the archive. Answers how many records there were.
   * @throws MatrixError M_NOT_FOUND where the archive knows nothing of the user
   */
  async rebuild(): Promise<number> {
    const { log, ports, replace, sql, userId } = this.#parts
    for (let tries = 0; tries < TRIES; tries += 1) {
      await log.flush()
      const copy = await readCopy(ports.archiveReader, userId())
      const count = copy.records.length + copy.rooms.length
      if (count === 0) throw new MatrixError('M_NOT_FOUND', 'The archive knows no such user')
      if (log.waiting()) continue
      // The clock runs faster than any user's own log, and stands above all that a rebuild before this one gave.
      replace(() => restoreCopy(sql, copy, ports.clock.now()))
      return count
    }
    throw new MatrixError('M_UNKNOWN', 'This user is too busy to be restored; try again', { status: 503 })
  }

  #write(changes: readonly AccountDataEvent[]): Omit<UserLogEntry, 'seq'>[] {
    return changes.flatMap((change) => writeAccountData(this.#parts.sql, change, this.#parts.nextOwn).archive)
  }
}
