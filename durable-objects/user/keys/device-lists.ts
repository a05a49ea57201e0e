/**
 * Which users' device lists this user must look at again, by the user's own log, and which users must look at this
 * user's.
 */
import { readMeta, writeMeta } from '../../sqlite.ts'
import type { Changes } from '../account/account.ts'
import { deletedDevices } from '../account/devices.ts'
import type { RoomJobs } from '../room-jobs.ts'
import { dropSignaturesOf } from './cross-signing.ts'
import { noteDeviceChange } from './device-changes.ts'
import { dropDeviceKeys } from './device-keys.ts'

const CHANGED = 'devices_ts'
/** Clocks of objects may differ by this much, ms. */
const SKEW_MS = 60_000

interface DeviceListsParts {
  sql: SqlStorage
  userId: () => string
  now: () => number
  nextOwn: () => number
  joinedRooms: () => string[]
  jobs: () => RoomJobs
}

export class DeviceLists {
  readonly #parts: DeviceListsParts

  constructor(parts: DeviceListsParts) {
    this.#parts = parts
  }

  /**
   * What a mutation means for device lists, inside its transaction: the keys of a device go with it, and a change of
   * the user's own reaches every room by a job.
   */
  settle({ archive, deviceLists = [], privately = false }: Changes): {
    archive: Changes['archive']
    changed: boolean
  } {
    const { sql, userId } = this.#parts
    const dropped = deletedDevices(archive).flatMap((deviceId) => {
      const keys = dropDeviceKeys(sql, deviceId)
      return keys.length === 0 ? [] : [...keys, ...dropSignaturesOf(sql, userId(), deviceId)]
    })
    const changed = new Set([...deviceLists, ...(dropped.length > 0 ? [userId()] : [])])
    if (changed.size > 0) this.#note(changed, privately && dropped.length === 0)
    return { archive: dropped, changed: changed.size > 0 }
  }

  /**
   * A room was joined that did not know of a change of a moment before: users that were told of the join may have
   * looked too early. Inside the transaction that stores the membership; answers whether there is a job to run.
   * @param joinedAt when the Room wrote the join; absent: not known
   */
  roomJoined(roomId: string, joinedAt: number | undefined): boolean {
    const changedTs = readMeta<number>(this.#parts.sql, CHANGED)
    if (changedTs === undefined || (joinedAt !== undefined && changedTs < joinedAt - SKEW_MS)) return false
    this.#parts.jobs().add('devices', [roomId])
    return true
  }

  #note(users: ReadonlySet<string>, privately: boolean): void {
    const { sql, userId, nextOwn, jobs, joinedRooms, now } = this.#parts
    const own = nextOwn()
    for (const user of users) noteDeviceChange(sql, user, own)
    if (privately || !users.has(userId())) return
    jobs().add('devices', joinedRooms())
    writeMeta(sql, CHANGED, now())
  }
}
