/** The room's entries in the directory, and the users that may change them. */
import { powerLevels } from '../../../src/protocol/auth/power-levels.ts'
import type { RoomReader } from '../context.ts'

export const CANONICAL_ALIAS = 'm.room.canonical_alias'

/** Whether the user may set the canonical alias, and so speaks for the room in the directory. */
export function mayEditAliases({ store }: RoomReader, userId: string): boolean {
  if (store.member(userId)?.membership !== 'join') return false
  const levels = powerLevels(store.rules, store)
  return levels.user(userId) >= levels.event(CANONICAL_ALIAS, true)
}
