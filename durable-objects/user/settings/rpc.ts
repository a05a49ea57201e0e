/** What clients keep at their User object: filters, account data, tags, rules, followed threads. */
import type { ThreadPlace } from '../../../src/objects/room/timeline.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type {
  PushRuleChange,
  Thread,
  ThreadChanges,
  ThreadSubscription,
} from '../../../src/objects/user/settings.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import type { JsonObject, JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import type { InvitePermission } from '../../../src/protocol/rooms/invite-permission.ts'
import { rpcTable } from '../../rpc-table.ts'
import type { UserHost } from '../host.ts'
import { changePushRules } from '../push/push-rules.ts'
import { permissionFor, showingInvites } from '../sync/invites.ts'
import { parseSyncToken } from '../sync/sync-token.ts'
import { accountDataSince, getAccountData, putAccountData, removeAccountData } from './account-data.ts'
import { getFilter } from './filters.ts'
import { ignoredUsers } from './ignored-users.ts'
import { setFullyRead } from './read-markers.ts'
import { tagsOf } from './tags.ts'
import { threadChanges } from './thread-changes.ts'
import { followThread, leaveThread, threadSubscription } from './thread-subscriptions.ts'

export const settingsRpc = rpcTable<UserHost>()({
  /** The same filter again has the same id. */
  putFilter: {
    session: 'checked',
    repeatable: true,
    run: ({ storeFilter }, _: Session, filter: JsonObject): string => storeFilter(filter),
  },

  getFilter: {
    session: 'checked',
    repeatable: true,
    run: ({ sql }, _: Session, filterId: string): JsonObject => getFilter(sql, filterId),
  },

  putAccountData: {
    session: 'checked',
    repeatable: true,
    run: (host, _: Session, roomId: string | null, type: string, content: JsonObject): void =>
      changeAccountData(host, type, (nextOwn) =>
        putAccountData(host.sql, { roomId, type, content }, host.ports.config.quotas, nextOwn),
      ),
  },

  removeAccountData: {
    session: 'checked',
    repeatable: true,
    run: (host, _: Session, roomId: string | null, type: string): void =>
      changeAccountData(host, type, (nextOwn) => removeAccountData(host.sql, { roomId, type }, nextOwn)),
  },

  getAccountData: {
    session: 'checked',
    repeatable: true,
    run: ({ sql, userId }, _: Session, roomId: string | null, type: string): JsonValue =>
      getAccountData(sql, userId(), roomId, type),
  },

  /** All of one room. */
  roomAccountData: {
    session: 'checked',
    repeatable: true,
    run: ({ sql, userId }, _: Session, roomId: string): { type: string; content: JsonObject }[] =>
      accountDataSince(sql, userId(), undefined)
        .filter((event) => event.roomId === roomId)
        .map(({ type, content }) => ({ type, content })),
  },

  threadSubscription: {
    session: 'checked',
    repeatable: true,
    run: ({ sql }, _: Session, thread: Thread): ThreadSubscription => threadSubscription(sql, thread),
  },

  /** @throws MatrixError IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION */
  followThread: {
    session: 'checked',
    repeatable: true,
    run({ mutate, nextOwn, polls, sql }, _: Session, thread: Thread, place: ThreadPlace): void {
      mutate(() => ({ value: undefined, archive: followThread(sql, thread, place, nextOwn) }))
      polls().serve()
    },
  },

  leaveThread: {
    session: 'checked',
    repeatable: true,
    run({ mutate, nextOwn, polls, sql }, _: Session, thread: Thread, place: ThreadPlace): void {
      mutate(() => ({ value: undefined, archive: leaveThread(sql, thread, place, nextOwn) }))
      polls().serve()
    },
  },

  /**
   * A page of what the user has begun and ceased to follow, the newest first, down to what a `pos` of sliding sync has.
   * @throws MatrixError M_INVALID_PARAM for tokens that are none
   */
  threadChanges: {
    session: 'checked',
    repeatable: true,
    run: (
      { sql },
      _: Session,
      { from, to, limit }: { from?: string | undefined; to?: string | undefined; limit: number },
    ): ThreadChanges =>
      threadChanges(sql, { from, after: to === undefined ? undefined : parseSyncToken(to).own, limit }),
  },

  tags: {
    session: 'checked',
    repeatable: true,
    run: ({ sql }, _: Session, roomId: string): JsonObject => tagsOf(sql, roomId),
  },

  /** Sets a tag, or takes it away. */
  setTag: {
    session: 'checked',
    repeatable: true,
    run({ polls, roomSettings }, _: Session, roomId: string, tag: string, value: JsonObject | null): void {
      if (roomSettings.setTag(roomId, tag, value)) polls().serve()
    },
  },

  /** The users whose messages this one does not want to see. */
  ignoredUsers: {
    session: 'checked',
    repeatable: true,
    run: ({ sql, userId }): string[] => [...ignoredUsers(sql, userId())],
  },

  /** What the user's settings say to an invite from `sender`. */
  invitePermission: {
    session: 'none',
    repeatable: true,
    run: ({ account, sql }, sender: string): InvitePermission =>
      // Nobody is there to answer.
      account.standing.deactivated ? 'block' : permissionFor(sql, sender),
  },

  /** Moves the m.fully_read marker of a room forward, to an event at a position of that room. */
  setFullyRead: {
    session: 'checked',
    repeatable: true,
    run(
      { mutate, nextOwn, polls, sql },
      _: Session,
      marker: { roomId: string; eventId: string; eventPos: number },
    ): void {
      mutate(() => ({ value: undefined, ...setFullyRead(sql, marker, nextOwn) }))
      polls().serve()
    },
  },

  /** A rule that is gone cannot be deleted again. */
  changePushRules: {
    session: 'checked',
    repeatable: (_: Session, { action }: PushRuleChange) => action !== 'delete',
    run({ mutate, nextOwn, polls, sql, userId }, _: Session, change: PushRuleChange): void {
      mutate(() => ({ value: undefined, ...changePushRules(sql, userId(), change, nextOwn) }))
      polls().serve()
    },
  },
})

function changeAccountData(
  { mutate, nextOwn, polls, sql, userId }: UserHost,
  type: string,
  write: (nextOwn: () => number) => { archive: UserLogEntry[] },
): void {
  const change = () => write(nextOwn)
  const user = { sql, userId: userId(), memberships: polls().memberships }
  mutate(() => ({ value: undefined, ...showingInvites(user, type, { change, nextOwn }) }))
  polls().serve()
}
