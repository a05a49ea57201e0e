/** A room with very many forward extremities joins some of them by an event of its own that says nothing. */
import { MatrixError } from '../../../../src/protocol/errors.ts'
import { MAX_PREV_EVENTS } from '../../../../src/protocol/events/extremities.ts'
import type { RoomWriter } from '../../context.ts'
import { joinedFrom } from '../../rows/members/members.ts'
import { appendLocal } from '../pipeline.ts'

const DUMMY = 'org.matrix.dummy_event'
/** Members that are tried as its sender. */
const MOST_SENDERS = 20

/**
 * Appends events until one can name all extremities, if a local member may send them. Each of them
 * makes the Room resolve, so a Room that has resolved much leaves the rest to a later call.
 */
export function joinExtremities(room: RoomWriter): void {
  const { store } = room
  if (store.extremities.length <= MAX_PREV_EVENTS) return
  for (const sender of joinedFrom(store.sql, room.serverName, MOST_SENDERS)) {
    while (store.extremities.length > MAX_PREV_EVENTS) {
      if (store.load.restsUntil(room.clock.now()) !== undefined) return
      if (!mayAppend(room, sender)) break
    }
  }
}

function mayAppend(room: RoomWriter, sender: string): boolean {
  try {
    appendLocal(room, { sender, type: DUMMY, content: {}, unattended: true })
    return true
  } catch (error) {
    if (error instanceof MatrixError) return false
    throw error
  }
}
