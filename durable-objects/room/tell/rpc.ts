/** What is asked of a Room around its events: by syncing users and their pushers, of receipts and typing, of the archive. */
import type { MarkReadRequest, PullRequest, RoomSlice } from '../../../src/objects/room/sync.ts'
import type { PresenceState } from '../../../src/objects/user/presence.ts'
import { rpcTable } from '../../rpc-table.ts'
import type { RoomDesk } from '../desk.ts'
import { notInRoom } from '../outsiders.ts'
import { pull } from '../read/pull.ts'
import { markDevices } from '../rows/members/device-marks.ts'
import { markRead } from '../rows/members/receipts.ts'
import { requireTypist } from '../rows/members/typing.ts'
import { isSmall } from '../rows/reader.ts'
import { tellsPresence } from './presence.ts'

export const tellRpc = rpcTable<RoomDesk>()({
  pull: {
    session: 'none',
    repeatable: true,
    large: true,
    run({ room, subscribers, typing, presence }, request: PullRequest): RoomSlice {
      const list = subscribers()
      try {
        const slice = pull(room, typing, request)
        if (request.subscribe && slice.membership === 'join') {
          list.subscribe(request.userId, slice.head)
          presence.listens(request.userId)
        }
        return slice
      } finally {
        // This answer gives the asker the news: a wake beside it would be one call too many.
        list.start()
      }
    },
  },

  /**
   * A member tells what they are, having `met` those here where they have just come in. Answers what is known of the
   * others who want to hear; nothing in a large room.
   */
  announce: {
    session: 'none',
    repeatable: true,
    run({ room, presence }, state: PresenceState, met: boolean): PresenceState[] {
      const isHere = room.store.member(state.userId)?.membership === 'join'
      return isHere && tellsPresence(room.store) ? presence.announce(state, met) : []
    },
  },

  /**
   * Asked by User objects of the version before this one. The local members that want to hear of the room now; nobody
   * where it has more than `limit` members.
   */
  awake: {
    session: 'none',
    repeatable: true,
    run: ({ room, started }, userId: string, limit: number): string[] =>
      isSmall(room.store, limit)
        ? started()
            .userIds()
            .filter((other) => other !== userId)
        : [],
  },

  /** A member's devices have changed: every user that shares the room must look at them again. */
  markDevices: {
    session: 'none',
    repeatable: true,
    run({ mutate, started }, userId: string): void {
      if (mutate((change) => markDevices(change, userId))) started().notify()
    },
  },

  /** Whether a member has pushers, and so their object wants to hear of events. Answers whether it does only now. */
  setPushMember: {
    session: 'none',
    repeatable: true,
    run: ({ life }, userId: string, wanted: boolean): boolean => life.pushes.set(userId, wanted),
  },

  setTyping: {
    session: 'none',
    repeatable: true,
    absent: notInRoom,
    run({ room, timers, changeTyping }, userId: string, typing: boolean, timeoutMs: number): void {
      requireTypist(room.store, userId)
      if (!typing) {
        changeTyping((list) => list.end(userId))
        return
      }
      changeTyping((list) => {
        const { until, isNew } = list.begin(userId, timeoutMs, room.clock.now())
        timers.arm('typing', until)
        return isNew
      })
    },
  },

  /**
   * Moves receipts forward, and answers the position of the fully-read event.
   * @throws MatrixError M_FORBIDDEN outside the room, M_INVALID_PARAM for an unknown event or one of another thread
   */
  markRead: {
    session: 'none',
    repeatable: true,
    run({ mutate, started }, request: MarkReadRequest): { fullyReadPos?: number } {
      const { answer, audience } = mutate((change) => markRead(change, request))
      if (audience === 'all') started().notifyQuietly(request.userId)
      else if (audience === 'own') started().notifyOnly(request.userId)
      return answer
    },
  },

  /** Answers when the archive knows what the room has so far, or after two seconds. */
  archived: {
    session: 'none',
    repeatable: true,
    run({ room, archived }): Promise<void> {
      // A room that is not there has nothing to tell.
      void room.store.rules
      return archived()
    },
  },
})
