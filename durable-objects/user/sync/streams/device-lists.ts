/**
 * Client-Server API §Extensions to /sync, `device_lists`: the users whose devices have changed, and those that share no
 * room with this one any more. Other users' changes are marks in rooms; the user's own log tells of their own.
 */
import type { RoomSlice } from '../../../../src/objects/room/sync.ts'
import { changedBetween } from '../../keys/device-changes.ts'
import { isInitial, type RoomPart, type Span, type Stream } from './stream.ts'

export interface DeviceListsParts {
  sql: SqlStorage
  userId: string
  /** The newest position of the user's own log. */
  own: () => number
  /** Those of the given users that share no room with this one any more, by their own tables. */
  strangers: (userIds: string[]) => Promise<string[]>
}

interface Changes {
  changed: Set<string>
  /** Users that have left a room of this one's, or stayed in a room that this one left. */
  maybeLeft: string[]
}

/** `device_lists` as clients read it. */
export type DeviceListsBody = { changed: string[]; left: string[] }

/** More are not looked up: for a user that is not told to have left, a client only keeps devices in vain. */
const MAX_LOOKED_UP = 1_000

/** The marks of members' devices in a room. */
export const deviceMarks: RoomPart = {
  take(increments, since, slice) {
    const marks = increments.flatMap(({ devices = [] }) => devices)
    slice.devices = {
      changed: marks.flatMap(({ changed }) => changed).filter(({ pos }) => pos > since),
      left: marks.flatMap(({ left }) => left).filter(({ pos }) => pos > since),
    }
  },
}

export class DeviceListsStream implements Stream {
  readonly #parts: DeviceListsParts

  constructor(parts: DeviceListsParts) {
    this.#parts = parts
  }

  /** By the user's own log: what others changed is behind where its room is. */
  behind({ own }: { own: number }): boolean {
    return this.#parts.own() > own
  }

  /** The `device_lists` of an answer; undefined: there is nothing to say. */
  async after(span: Span, slices: Iterable<RoomSlice>): Promise<DeviceListsBody | undefined> {
    const { changed, maybeLeft } = this.#gather(span, slices)
    if (maybeLeft.length === 0) return listsOf(changed, [])
    const asked = maybeLeft.slice(0, MAX_LOOKED_UP)
    const left = await this.#parts.strangers(asked).catch(() => [])
    for (const userId of left) changed.delete(userId)
    return listsOf(changed, left)
  }

  /** As `after`; undefined where other users' objects must be asked. */
  atOnce(span: Span, slices: Iterable<RoomSlice>): { lists: DeviceListsBody | undefined } | undefined {
    const { changed, maybeLeft } = this.#gather(span, slices)
    return maybeLeft.length === 0 ? { lists: listsOf(changed, []) } : undefined
  }

  /** What the user's own log and the Rooms' answers say. The client of a first sync asks for the devices it needs. */
  #gather(span: Span, slices: Iterable<RoomSlice>): Changes {
    const { userId, sql } = this.#parts
    const changed = new Set<string>()
    const maybeLeft = new Set<string>()
    if (isInitial(span)) return { changed, maybeLeft: [] }
    for (const { devices } of slices) {
      for (const mark of devices?.changed ?? []) changed.add(mark.userId)
      for (const mark of devices?.left ?? []) maybeLeft.add(mark.userId)
    }
    // The user's own log tells of the user's own devices.
    changed.delete(userId)
    maybeLeft.delete(userId)
    if (!span.absent && span.since >= span.own) return { changed, maybeLeft: [...maybeLeft] }
    // After a long absence the client's place in the log says nothing any more.
    for (const user of changedBetween(sql, span.absent ? 0 : span.since, span.own)) changed.add(user)
    if (span.absent) changed.add(userId)
    return { changed, maybeLeft: [...maybeLeft] }
  }
}

function listsOf(changed: ReadonlySet<string>, left: string[]): DeviceListsBody | undefined {
  return changed.size === 0 && left.length === 0 ? undefined : { changed: [...changed], left }
}
