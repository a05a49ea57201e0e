/** A room at a glance, and what is new in it, for who may look in without wakes: Client-Server API §Room previews. */
import type { PeekAnswer, RoomSnapshot, Session } from '../../src/ports.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { RoomContext } from './context.ts'
import { readingOf, shownEvent } from './reading.ts'
import { lastPlace, messages, parsePlaceToken, placeToken, scan, stateFor } from './timeline.ts'

const PEEKED_EVENTS = 100

/** @throws MatrixError M_FORBIDDEN for whom the room shows nothing */
export function snapshot(room: RoomContext, viewer: Session, limit: number): RoomSnapshot {
  const { userId } = viewer
  const state = stateFor(room, userId)
  const recent = messages(room, { viewer, dir: 'b', limit })
  // The newest last, from `start` to `end`.
  const answer = { chunk: recent.chunk.reverse(), start: recent.end ?? recent.start, end: recent.start }
  return { membership: room.store.member(userId)?.membership ?? null, messages: answer, state }
}

/** What came after a place, or after now. @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM */
export function peek(room: RoomContext, session: Session, from: string | undefined): PeekAnswer {
  const { store } = room
  const reading = readingOf(room, session)
  if (!reading.viewer.mayLook(store.head)) throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
  const place = from === undefined ? store.head + 1 : parsePlaceToken(from)
  const range = { dir: 'f', from: place, to: lastPlace(), limit: PEEKED_EVENTS } as const
  const { rows, next } = scan(store, reading.viewer, range)
  return {
    start: placeToken(place),
    end: placeToken(next ?? Math.max(place, store.head + 1)),
    chunk: rows.map((row) => shownEvent(reading, row)),
  }
}
