/** What is asked of a User object about the user's rooms, by clients and by the Rooms. `/sync` itself goes by `fetch`. */
import type { Session } from '../../../src/objects/user/session.ts'
import type { MembershipChange, OwnMembership, VisitedRoom, Wake } from '../../../src/objects/user/sync.ts'
import { rpcTable } from '../../rpc-table.ts'
import { delayedRooms, noteDelayed, pruneDelayed } from '../delayed-rooms.ts'
import type { UserHost } from '../host.ts'
import { checkPlaceForInvite, hidesInvite, toldBy } from './invites.ts'
import { outsideRecord } from './outside-rooms.ts'

export const syncRpc = rpcTable<UserHost>()({
  joinedRooms: {
    session: 'checked',
    repeatable: true,
    run: ({ polls }): string[] => polls().memberships.joinedRooms(),
  },

  /** Those of these rooms in which the user has, or had, any membership, by the word of their Rooms. */
  knownRooms: {
    session: 'none',
    repeatable: true,
    run({ polls }, roomIds: string[]): string[] {
      const { memberships } = polls()
      return roomIds.filter((roomId) => (memberships.byId(roomId)?.pos ?? 0) > 0)
    },
  },

  /** How the user stands in a room; undefined where they have nothing to do with it. */
  membershipIn: {
    session: 'none',
    repeatable: true,
    run({ polls, userId }, roomId: string): OwnMembership | undefined {
      const room = polls().memberships.byId(roomId)
      if (room === undefined) return undefined
      const { membership, eventId, outside } = room
      const stands = { membership, eventId, outside }
      return membership === 'invite' ? { ...stands, ...toldBy(room, userId()) } : stands
    },
  },

  /** Whether the user is joined to one of these rooms. */
  isInAny: {
    session: 'none',
    repeatable: true,
    run({ polls }, roomIds: string[]): boolean {
      const { memberships } = polls()
      return roomIds.some((roomId) => memberships.byId(roomId)?.membership === 'join')
    },
  },

  /** The rooms that the user is or was in and has not forgotten, the last moved first. */
  visitedRooms: {
    session: 'checked',
    repeatable: true,
    run: ({ polls }): VisitedRoom[] => polls().places.visitedRooms(),
  },

  /** Where a sync token stands in a room, for endpoints that accept one: `p<position>`. */
  positionOf: {
    session: 'checked',
    repeatable: true,
    run: ({ polls }, _: Session, token: string, roomId: string): string =>
      polls().places.positionOf(token, roomId),
  },

  /** The session's device asks for all members of a room. */
  membersLoaded: {
    session: 'checked',
    repeatable: true,
    run: ({ polls }, { deviceId }: Session, roomId: string): void => polls().membersLoaded(deviceId, roomId),
  },

  /**
   * From a Room's member feed, at least once; an older position than the stored one changes nothing. Or what another server
   * told of a room in which no user of this one is.
   */
  membershipChanged: { session: 'none', repeatable: true, run: membershipChanged },

  /** Answers whether the Room may forget this subscriber. */
  wake: {
    session: 'none',
    repeatable: true,
    run: ({ polls, afterWake }, wake: Wake): { unsubscribe: boolean } | Promise<never> =>
      afterWake(polls().wake(wake)),
  },

  /** As `wake`, of several rooms. */
  wakeTogether: {
    session: 'none',
    repeatable: true,
    run: ({ polls, afterWake }, wakes: Wake[]): { unsubscribe: boolean }[] | Promise<never> =>
      afterWake(wakes.map((wake) => polls().wake(wake))),
  },

  /** Notes that a room may hold delayed events of this user. Called before the room does. */
  noteDelayed: {
    session: 'checked',
    repeatable: true,
    run: ({ sql }, _: Session, roomId: string): void => noteDelayed(sql, roomId),
  },

  /** Rooms that may hold delayed events of this user. */
  delayedRooms: { session: 'checked', repeatable: true, run: ({ sql }): string[] => delayedRooms(sql) },

  /** These rooms no longer hold any. */
  pruneDelayed: {
    session: 'checked',
    repeatable: true,
    run: ({ sql }, _: Session, roomIds: string[]): void => pruneDelayed(sql, roomIds),
  },

  /** Makes the user's object again from the archive alone. Answers how many records it has. */
  rebuild: {
    session: 'none',
    repeatable: true,
    run: ({ roomSettings }): Promise<number> => roomSettings.rebuild(),
  },
})

function membershipChanged(host: UserHost, change: MembershipChange): void {
  const { armNow, mutate, polls, roomSettings, transaction } = host
  const syncing = polls()
  const { memberships } = syncing
  if (change.outside === true && change.membership === 'invite')
    checkPlaceForInvite(memberships, host.userId(), change)
  const isOutside = change.outside === true || memberships.byId(change.roomId)?.outside === true
  const work = () => applied(host, change)
  // The archive learns a membership from its Room. This one came from another server, so it needs a record of its own.
  const leavesJob = isOutside
    ? mutate(() => ({ value: work(), archive: outsideRecord(memberships.byId(change.roomId)) }))
    : transaction(work)
  roomSettings.joined(change)
  if (leavesJob) armNow('rooms', 'push')
  syncing.membershipApplied(change)
}

/** Stores a change, with what follows from it, inside the caller's transaction. Answers whether that leaves a job. */
function applied(host: UserHost, change: MembershipChange): boolean {
  const { account, deviceLists, nextOwn, polls, pushes, sql } = host
  const room = polls().memberships.apply(change, nextOwn)
  // A Room that was rebuilt tells of memberships again, and knows of no pushers.
  if (room === undefined) {
    if (change.unchanged) pushes.shownAnew(change.roomId)
    return account.pushIn(change.roomId, change.membership)
  }
  const shown = pushes.membershipChanged(change, !hidesInvite(sql, host.userId(), room))
  const marks = change.membership === 'join' && deviceLists.roomJoined(change.roomId, change.at)
  return account.roomEntered(change.roomId, change.membership) || marks || shown
}
