/** What `/sync` says of devices: whose lists have changed, whom the user shares no room with any more, how many keys are left. */
import type { RoomSlice } from '../../../src/objects/room/sync.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { oneTimeKeyCounts, unusedFallbackKeyTypes } from '../keys/device-keys.ts'

export interface DeviceNewsParts {
  sql: SqlStorage
  userId: string
  /** Of these users, those who are in none of the user's rooms any more, by their own tables. */
  strangers: (userIds: string[]) => Promise<string[]>
}

/** Where a sync begins; absent: an initial one, whose client asks for the devices it needs. */
export interface DeviceSpan {
  since: number
  own: number
  /** After a long absence: whatever the user's own log says of before is not known any more. */
  absent: boolean
}

export interface DeviceListChanges {
  changed: Set<string>
  /** Have left a room, or the user has left one with them. */
  maybeLeft: string[]
}

/** `device_lists` as clients read it. */
export type DeviceListsBody = { changed: string[]; left: string[] }

/** More are not looked up: whoever is not told to have left is only looked after in vain. */
const MAX_LOOKED_UP = 1_000

export class DeviceNews {
  readonly #parts: DeviceNewsParts
  /** By device, until keys come or go: every answer and every poll says it. */
  readonly #counts = new Map<string, JsonObject>()

  constructor(parts: DeviceNewsParts) {
    this.#parts = parts
  }

  /** What stands in every answer: "if this entire parameter is absent, the count … is assumed to be zero". */
  counts(deviceId: string): JsonObject {
    const known = this.#counts.get(deviceId) ?? this.#count(deviceId)
    this.#counts.set(deviceId, known)
    return known
  }

  /** Keys may have come or gone. */
  keysChanged(): void {
    this.#counts.clear()
  }

  #count(deviceId: string): JsonObject {
    const unused = unusedFallbackKeyTypes(this.#parts.sql, deviceId)
    return {
      device_one_time_keys_count: oneTimeKeyCounts(this.#parts.sql, deviceId),
      device_unused_fallback_key_types: unused,
      'org.matrix.msc2732.device_unused_fallback_key_types': unused,
    }
  }

  /** What the user's own log and the Rooms' answers say, before anybody is asked who has left. */
  gather(span: DeviceSpan | undefined, slices: Iterable<RoomSlice>): DeviceListChanges {
    const { userId, sql } = this.#parts
    const changed = new Set<string>()
    const maybeLeft = new Set<string>()
    if (span === undefined) return { changed, maybeLeft: [] }
    for (const { devices } of slices) {
      for (const mark of devices?.changed ?? []) changed.add(mark.userId)
      for (const mark of devices?.left ?? []) maybeLeft.add(mark.userId)
    }
    // The user's own log tells of the user's own devices.
    changed.delete(userId)
    maybeLeft.delete(userId)
    if (!span.absent && span.since >= span.own) return { changed, maybeLeft: [...maybeLeft] }
    const query = 'SELECT user_id FROM device_changes WHERE own > ? AND own <= ?'
    const rows = sql.exec<{ user_id: string }>(query, span.absent ? 0 : span.since, span.own)
    for (const { user_id } of rows) changed.add(user_id)
    if (span.absent) changed.add(userId)
    return { changed, maybeLeft: [...maybeLeft] }
  }

  /** The `device_lists` of an answer; undefined: there is nothing to say. */
  async lists({ changed, maybeLeft }: DeviceListChanges): Promise<DeviceListsBody | undefined> {
    if (maybeLeft.length === 0) return listsOf(changed, [])
    const asked = maybeLeft.slice(0, MAX_LOOKED_UP)
    const left = await this.#parts.strangers(asked).catch(() => [])
    for (const userId of left) changed.delete(userId)
    return listsOf(changed, left)
  }

  /** As `lists`, where nobody need be asked. */
  listsAtOnce({ changed, maybeLeft }: DeviceListChanges): { lists: DeviceListsBody | undefined } | undefined {
    return maybeLeft.length === 0 ? { lists: listsOf(changed, []) } : undefined
  }
}

function listsOf(changed: ReadonlySet<string>, left: string[]): DeviceListsBody | undefined {
  return changed.size === 0 && left.length === 0 ? undefined : { changed: [...changed], left }
}
