/**
 * Which mutations change what the lists in Postgres show. The request that made such a mutation waits until they know.
 */
import { isFactType } from '../../../src/protocol/rooms/room-summary.ts'
import type { Changed } from '../context.ts'
import type { RowReader } from '../rows/reader.ts'
import { isListed } from '../rows/tell/listed.ts'

/** A user that joins appears in the user directory, and a user that goes disappears; invited users are in no list. */
const MEMBERSHIPS: ReadonlySet<unknown> = new Set(['join', 'leave', 'ban'])

/**
 * Whether the mutation that has just been committed changed what a list shows to anybody but its sender, and the lists
 * can know of it before long.
 */
export function changesLists(store: RowReader, { appended, isLarge, listsChanged }: Changed): boolean {
  if (isLarge) return false
  if (listsChanged) return true
  const state = appended.filter(({ event }) => event.state_key !== undefined)
  if (state.length === 0) return false
  // A room that was made this moment is in a list if everybody may come in; otherwise its maker is alone in it.
  if (state.some(({ event }) => event.type === 'm.room.create')) return isOpen(store)
  return state.some(({ event: { type, content } }) =>
    type === 'm.room.member'
      ? MEMBERSHIPS.has(content.membership)
      : isFactType(type) && mayBeListed(store, type),
  )
}

/** A change of these may close a room, which takes its members out of the directory. */
const CLOSING: ReadonlySet<string> = new Set(['m.room.join_rules', 'm.room.history_visibility'])

function mayBeListed(store: RowReader, type: string): boolean {
  return CLOSING.has(type) || isOpen(store) || isListed(store.sql)
}

/** Whether strangers may find the room's members. */
function isOpen(store: RowReader): boolean {
  const content = (type: string) => store.get(type, '')?.pdu.content
  return (
    content('m.room.join_rules')?.join_rule === 'public' ||
    content('m.room.history_visibility')?.history_visibility === 'world_readable'
  )
}
