/** A room at a glance, and what is new in it, for users that look in without wakes: Client-Server API §Room previews. */
import type { PeekAnswer, RoomSnapshot } from '../../../src/objects/room/summary.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type { RoomReader } from '../context.ts'
import { receiptsFor } from '../rows/members/receipts.ts'
import { isSmall } from '../rows/reader.ts'
import { shownWithin } from './budget.ts'
import type { ShownRow } from './erasures.ts'
import { readingOf } from './reading.ts'
import { shownEvent } from './shown-event.ts'
import { lastPlace, messagesIn, parsePlaceToken, placeToken, scan } from './timeline.ts'

const PEEKED_EVENTS = 100
/** In larger rooms presence is told to nobody. */
const PRESENCE_MEMBERS = 100

/** @throws MatrixError M_FORBIDDEN where the room shows the user nothing */
export function snapshot(room: RoomReader, viewer: Session, limit: number): RoomSnapshot {
  const { userId } = viewer
  const reading = readingOf(room, viewer)
  reading.viewer.stateLimit(room.store.head)
  const recent = messagesIn(reading, { dir: 'b', limit })
  // The newest last, from `start` to `end`.
  const answer = { chunk: recent.chunk.reverse(), start: recent.end ?? recent.start, end: recent.start }
  const membership = room.store.member(userId)?.membership ?? null
  if (membership !== 'join') return { membership, messages: answer, receipts: [], members: [] }
  const receipts = receiptsFor(room.store, userId, 0)
  const members = isSmall(room.store, PRESENCE_MEMBERS)
    ? room.store.membersWith('join', PRESENCE_MEMBERS)
    : []
  return { membership, messages: answer, receipts, members }
}

/** What came after a place, or after now. @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM */
export function peek(room: RoomReader, session: Session, from: string | undefined): PeekAnswer {
  const { store } = room
  const reading = readingOf(room, session)
  reading.viewer.requireLook(store.head)
  const place = Math.min(store.head + 1, from === undefined ? lastPlace() : parsePlaceToken(from))
  const range = { dir: 'f', from: place, to: lastPlace(), limit: PEEKED_EVENTS } as const
  const { rows, next } = scan(store, reading.viewer, range)
  const chunk = shownWithin(rows, (row) => shownEvent(reading, row))
  const end = chunk.length < rows.length ? (rows[chunk.length] as ShownRow).pos : next
  return {
    start: placeToken(place),
    end: placeToken(end ?? Math.max(place, store.head + 1)),
    chunk,
  }
}
