/** What is asked of a User object about presence. */
import type { PresenceNews, PresenceState, PresenceValue } from '../../../src/objects/user/presence.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { rpcTable } from '../../rpc-table.ts'
import type { UserHost } from '../host.ts'
import { presenceContent } from './presence.ts'

/** @throws MatrixError M_FORBIDDEN */
function sharesNoRoom(): never {
  throw new MatrixError('M_FORBIDDEN', 'You share no room with this user')
}

export const presenceRpc = rpcTable<UserHost>()({
  /** Others are told: a suspended user may not. */
  setPresence: {
    session: 'by row',
    repeatable: true,
    run({ account, polls }, session: Session, presence: PresenceValue, statusMsg: string | undefined): void {
      account.checkMayTell(session)
      polls().presence.set(presence, statusMsg)
    },
  },

  /** The content of m.presence. @throws MatrixError M_FORBIDDEN where the viewer shares none of their `rooms` */
  presence: {
    session: 'none',
    repeatable: true,
    absent: sharesNoRoom,
    run({ polls, ports, userId }, viewer: string, rooms: string[]): JsonObject {
      const { memberships, presence } = polls()
      const shares = rooms.some((roomId) => memberships.byId(roomId)?.membership === 'join')
      if (viewer !== userId() && !shares) sharesNoRoom()
      return presenceContent(presence.state(), ports.clock.now())
    },
  },

  /** A Room tells of others, which waiting clients are told of where it is news. The answer is the user's own state. */
  hearPresences: {
    session: 'none',
    repeatable: true,
    run: ({ polls }, news: PresenceNews[]): PresenceState => polls().presence.hear(news),
  },

  /** As `hearPresences`, of one: called by User objects of the version before this one. */
  hearPresence: {
    session: 'none',
    repeatable: true,
    run: ({ polls }, state: PresenceState, met: boolean): PresenceState =>
      polls().presence.hear([{ state, met }]),
  },

  /** The presence events of these users, as far as the session's user was told of them. */
  presenceOf: {
    session: 'checked',
    repeatable: true,
    run({ polls, ports }, _: Session, userIds: string[]): (JsonObject & { type: string; sender: string })[] {
      const wanted = new Set(userIds)
      return polls()
        .presence.eventsAfter(undefined, ports.clock.now())
        .filter(({ sender }) => wanted.has(sender))
    },
  },
})
