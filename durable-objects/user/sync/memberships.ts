/** The user's list of rooms, as the Rooms' member feeds tell it. */
import type { MembershipChange, VisitedRoom } from '../../../src/objects/user/sync.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { Membership } from '../../../src/protocol/rooms/membership.ts'
import { isGone, type Standing, wasBefore } from '../standing.ts'
import { coverStripped, moveRoom, putRoom, type RoomRow, roomRows } from './room-rows.ts'

export interface UserRoom extends Standing {
  /** The room's short name in sync tokens. */
  no: number
  roomId: string
  pos: number
  own: number
  stripped: JsonObject[]
  forgotten: boolean
  /** When the membership changed, ms; 0: not known. */
  at: number
  eventId: string
  /** Another server told of the membership, and no Room has since. */
  outside: boolean
}

/** All rooms in memory, read once in an incarnation: each sync walks them. */
export class Memberships {
  readonly #sql: SqlStorage
  readonly #userId: string
  readonly #byNo = new Map<number, UserRoom>()
  readonly #byId = new Map<string, UserRoom>()
  readonly #joined = new Set<number>()

  constructor(sql: SqlStorage, userId: string) {
    this.#sql = sql
    this.#userId = userId
    for (const row of roomRows(sql)) this.#keep(fromRow(row))
  }

  all(): Iterable<UserRoom> {
    return this.#byNo.values()
  }

  byNo(no: number): UserRoom | undefined {
    return this.#byNo.get(no)
  }

  byId(roomId: string): UserRoom | undefined {
    return this.#byId.get(roomId)
  }

  joinedRooms(): string[] {
    return [...this.all()].filter((room) => room.membership === 'join').map((room) => room.roomId)
  }

  /** The rooms the user is in, by their numbers. */
  joined(): Iterable<number> {
    return this.#joined
  }

  isJoined(no: number): boolean {
    return this.#joined.has(no)
  }

  /** The rooms that the user may search: those they are in, and those they were in, up to the leave. */
  visitedRooms(): VisitedRoom[] {
    return (
      [...this.all()]
        // What no Room has told of has nothing to search in.
        .filter((room) => !room.forgotten && room.pos > 0)
        .map(({ roomId, membership, pos }) => (membership === 'join' ? { roomId } : { roomId, leftAt: pos }))
    )
  }

  /**
   * Takes a change from a Room. Changes come at least once and in any order: one at or below the stored position is
   * old. What another server told has no position, so that whatever a Room says later passes it. One row. Call it inside a
   * transaction.
   * @param nextOwn gives the next position of the user's own log
   * @returns the room where something changed that a sync shows
   */
  apply(told: MembershipChange, nextOwn: () => number): UserRoom | undefined {
    const known = this.#byId.get(told.roomId)
    const change = told.outside === true ? fromOutside(told, known) : told
    if (change === undefined) return undefined
    if (known !== undefined && change.outside !== true && change.pos <= known.pos) return undefined
    const unchanged = change.unchanged && known?.membership === change.membership
    const room: UserRoom = {
      no: known?.no ?? this.#nextNo(),
      roomId: change.roomId,
      membership: change.membership,
      was: unchanged ? known.was : wasBefore(known, change.membership),
      pos: change.pos,
      own: unchanged ? known.own : nextOwn(),
      stripped: (change.strippedState ?? []) as unknown as JsonObject[],
      // A forgotten room stays forgotten until the user is invited or let in again.
      forgotten: isGone(change.membership) && (change.forgotten ?? known?.forgotten ?? false),
      at: unchanged ? known.at : (change.at ?? 0),
      byOther: unchanged ? known.byOther : change.sender !== this.#userId,
      eventId: change.eventId,
      outside: change.outside === true,
    }
    if (known?.stripped?.length) coverStripped(this.#sql, known.no)
    putRoom(this.#sql, {
      no: room.no,
      room_id: room.roomId,
      membership: room.membership,
      was: room.was,
      pos: room.pos,
      own: room.own,
      event_id: room.eventId,
      stripped: change.strippedState === undefined ? null : JSON.stringify(change.strippedState),
      forgotten: room.forgotten ? 1 : 0,
      at: room.at,
      by_other: room.byOther ? 1 : 0,
      outside: room.outside ? 1 : 0,
    })
    this.#keep(room)
    return unchanged ? undefined : room
  }

  /** Makes a room news to every token, as it is. One row. Call it inside a transaction. */
  tellAgain(room: UserRoom, own: number): void {
    moveRoom(this.#sql, room.no, own)
    this.#keep({ ...room, own })
  }

  #nextNo(): number {
    return Math.max(0, ...this.#byNo.keys()) + 1
  }

  #keep(room: UserRoom): void {
    this.#byNo.set(room.no, room)
    this.#byId.set(room.roomId, room)
    if (room.membership === 'join') this.#joined.add(room.no)
    else this.#joined.delete(room.no)
  }
}

/**
 * The change of the user's list that follows from another server's word; undefined: none. An invite that comes again
 * changes nothing, even after the user has refused it. A room that is known by such words alone counts as forgotten when
 * the user leaves, since no Room here could tell of it later.
 */
function fromOutside(told: MembershipChange, known: UserRoom | undefined): MembershipChange | undefined {
  const pos = known?.pos ?? 0
  if (told.membership !== 'leave') {
    if (known?.membership === 'join' || known?.eventId === told.eventId) return undefined
    return { ...told, pos }
  }
  if (told.forgotten && known?.membership === 'leave') return { ...told, pos, eventId: known.eventId }
  if (known?.membership !== 'invite' && known?.membership !== 'knock') return undefined
  // An invite that was taken back, and another one since.
  if (told.eventId !== '' && told.eventId !== known.eventId) return undefined
  return { ...told, pos, eventId: known.eventId, forgotten: pos === 0 }
}

function fromRow(row: RoomRow): UserRoom {
  return {
    no: row.no,
    roomId: row.room_id,
    membership: row.membership as Membership,
    was: row.was as Membership | null,
    pos: row.pos,
    own: row.own,
    stripped: row.stripped === null ? [] : (JSON.parse(row.stripped) as JsonObject[]),
    forgotten: row.forgotten === 1,
    at: row.at ?? 0,
    byOther: row.by_other === 1,
    eventId: row.event_id,
    outside: row.outside === 1,
  }
}
