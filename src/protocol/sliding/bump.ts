/** MSC4186 `bump_stamp`: the events that count as activity in a room. */

const BUMPING: ReadonlySet<string> = new Set([
  'm.room.create',
  'm.room.message',
  'm.room.encrypted',
  'm.sticker',
  'm.call.invite',
  'm.poll.start',
  'org.matrix.msc3381.poll.start',
  'm.beacon_info',
  'org.matrix.msc3672.beacon_info',
])

export const BUMPING_TYPES: readonly string[] = [...BUMPING]

/** Whether an event of a type moves its room to the top of a client's list. */
export function bumps(type: string): boolean {
  return BUMPING.has(type)
}
