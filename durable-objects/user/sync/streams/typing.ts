/** Client-Server API §Typing Notifications. They take a room position, and are told whole. */
import type { RoomSlice } from '../../../../src/objects/room/sync.ts'
import type { PassingEvent, PassingPart } from './passing.ts'

export const typing: PassingPart = {
  take(increments, _, slice) {
    const users = increments.findLast((increment) => increment.typing !== undefined)?.typing
    if (users !== undefined) slice.typing = users
  },

  shown({ typing: users }: RoomSlice, ignored): PassingEvent | undefined {
    if (users === undefined) return undefined
    return { type: 'm.typing', content: { user_ids: users.filter((userId) => !ignored?.has(userId)) } }
  },
}
