/** MSC3575 §Extensions, `lists` and `rooms`: which rooms an extension is for. */
import type { Scope } from '../../../../src/objects/user/sliding.ts'

/** A room, or one of which only the id is known: it is in no window. */
export interface ScopedRoom {
  roomId: string
  no?: number
}

/** The rooms that a request is about, by number. */
export interface ScopedWindows {
  wanted: ReadonlyMap<number, { lists: readonly string[]; subscribed: boolean }>
}

/** Absent fields stand for all, and so does `*`. A room that is in no window now was in one before. */
export function isInScope(
  windows: ScopedWindows,
  { lists, rooms }: Scope,
  { no, roomId }: ScopedRoom,
): boolean {
  if (lists === undefined && rooms === undefined) return true
  const wanted = no === undefined ? undefined : windows.wanted.get(no)
  if (rooms?.includes(roomId)) return true
  if (wanted?.subscribed && (rooms === undefined || rooms.includes('*'))) return true
  return (
    wanted?.lists.some((name) => lists === undefined || lists.includes(name) || lists.includes('*')) === true
  )
}
