/** Through whose eyes an answer of sliding sync is made. */
import type { Session } from '../../../../../src/objects/user/session.ts'
import type { SlidingAsked } from '../../../../../src/objects/user/sliding.ts'
import type { ClientEvent } from '../../../../../src/protocol/events/event.ts'
import type { UserRoom } from '../../memberships.ts'
import type { RoomNews } from '../../streams/news.ts'

export interface SlidingView {
  form: SlidingAsked['form']
  session: Session
  now: number
  /** The user's direct chats. */
  direct: ReadonlySet<unknown>
  /** Whether the client has a room on this connection. */
  isSent: (roomId: string) => boolean
  bumpStamp: (room: UserRoom) => number
  /** Takes those members from a room's part that the client has already. */
  withoutKnown: (one: RoomNews, members: ClientEvent[]) => ClientEvent[]
}
