/** What a wake of a Room says. */
import type { Increment } from '../../../src/objects/room/sync.ts'
import type { News, Wake } from '../../../src/objects/user/sync.ts'

/** A wake, its increment read. */
export function newsOf({ increment, ...wake }: Wake): News {
  return increment === undefined ? wake : { ...wake, increment: JSON.parse(increment) as Increment }
}

/** Something the user did: sent, read or began to type. */
export function showsActivity({ increment }: News, userId: string): boolean {
  if (increment === undefined) return false
  const { events, receipts = [], typing = [] } = increment
  return (
    events.some(({ event }) => event.sender === userId) ||
    receipts.some((receipt) => receipt.userId === userId) ||
    typing.includes(userId)
  )
}
