/** Users who asked to be forgotten, and which of the room's events are theirs to be taken out. */
import type { Pdu } from '../../../src/protocol/events/event.ts'
import type { EventRow } from './events.ts'
import type { RowReader } from './reader.ts'

export const ERASED_TABLE = `
  -- Erased users, and the room's head when they asked for it.
  CREATE TABLE erased (user_id TEXT PRIMARY KEY, pos INTEGER NOT NULL) WITHOUT ROWID;
`

export const ERASING_TABLE = `
  -- Users whose events are being pruned, and the position up to which that is done.
  CREATE TABLE erasing (user_id TEXT PRIMARY KEY, done_pos INTEGER NOT NULL) WITHOUT ROWID;
  -- Erased before there were jobs.
  INSERT INTO erasing (user_id, done_pos) SELECT user_id, ${-Number.MAX_SAFE_INTEGER} FROM erased;
`

/**
 * Whether an event is the user's own word. State that stands is the room's: its encryption and its name do not go
 * with who set them. Of what others did to the user, only what shows the profile is theirs.
 */
export function isPruned(store: RowReader, row: EventRow, userId: string): boolean {
  if (row.type === 'm.room.member' && row.state_key === userId) {
    const content = (JSON.parse(row.pdu) as Pdu).content
    return row.sender === userId || content.displayname !== undefined || content.avatar_url !== undefined
  }
  return row.state_key === null || store.get(row.type, row.state_key)?.eventId !== row.event_id
}
