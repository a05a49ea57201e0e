/** The part of a User object's RPC surface that speaks of what clients keep here: filters, account data, tags, rules, presence. */
import type { ThreadPlace } from '../../../src/objects/room/timeline.ts'
import type { PresenceState, PresenceValue } from '../../../src/objects/user/presence.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type { PushRuleChange, Thread } from '../../../src/objects/user/settings.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { InvitePermission } from '../../../src/protocol/rooms/invite-permission.ts'
import { type RpcResult, toResult } from '../../rpc.ts'
import { AccountRpc } from '../account/account-rpc.ts'
import { presenceContent } from '../presence/presence.ts'
import { changePushRules } from '../push/push-rules.ts'
import { permissionFor, showingInvites } from '../sync/invites.ts'
import { accountDataSince, getAccountData, putAccountData, removeAccountData } from './account-data.ts'
import { getFilter } from './filters.ts'
import { ignoredUsers } from './ignored-users.ts'
import { setFullyRead } from './read-markers.ts'
import { tagsOf } from './tags.ts'
import { followThread, leaveThread, threadSubscription } from './thread-subscriptions.ts'

export abstract class SettingsRpc extends AccountRpc {
  putFilter(session: Session, filter: JsonObject): RpcResult<string> {
    return this.checked(session, () => this.host.storeFilter(filter))
  }

  getFilter(session: Session, filterId: string) {
    return this.checked(session, () => getFilter(this.host.sql, filterId))
  }

  putAccountData(session: Session, roomId: string | null, type: string, content: JsonObject) {
    const { sql, ports } = this.host
    return this.#changeAccountData(session, type, (nextOwn) =>
      putAccountData(sql, { roomId, type, content }, ports.config.quotas, nextOwn),
    )
  }

  removeAccountData(session: Session, roomId: string | null, type: string) {
    const { sql } = this.host
    return this.#changeAccountData(session, type, (nextOwn) =>
      removeAccountData(sql, { roomId, type }, nextOwn),
    )
  }

  #changeAccountData(
    session: Session,
    type: string,
    write: (nextOwn: () => number) => { archive: UserLogEntry[] },
  ) {
    return this.checked(session, () => {
      const { sql } = this.host
      const nextOwn = () => this.host.nextOwn()
      const change = () => write(nextOwn)
      const user = { sql, userId: this.host.userId(), memberships: this.host.polls().memberships }
      this.host.mutate(() => ({ value: undefined, ...showingInvites(user, type, { change, nextOwn }) }))
      this.host.polls().serve()
    })
  }

  getAccountData(session: Session, roomId: string | null, type: string) {
    return this.checked(session, () => getAccountData(this.host.sql, this.host.userId(), roomId, type))
  }

  threadSubscription(session: Session, thread: Thread) {
    return this.checked(session, () => threadSubscription(this.host.sql, thread))
  }

  followThread(session: Session, thread: Thread, place: ThreadPlace) {
    return this.checked(session, () => {
      const { mutate, sql } = this.host
      mutate(() => ({ value: undefined, archive: followThread(sql, thread, place) }))
    })
  }

  leaveThread(session: Session, thread: Thread, place: ThreadPlace) {
    return this.checked(session, () => {
      const { mutate, sql } = this.host
      mutate(() => ({ value: undefined, archive: leaveThread(sql, thread, place) }))
    })
  }

  tags(session: Session, roomId: string) {
    return this.checked(session, () => tagsOf(this.host.sql, roomId))
  }

  setTag(session: Session, roomId: string, tag: string, value: JsonObject | null) {
    return this.checked(session, () => {
      if (this.host.roomLife.setTag(roomId, tag, value)) this.host.polls().serve()
    })
  }

  ignoredUsers(session: Session) {
    return this.checked(session, () => [...ignoredUsers(this.host.sql, this.host.userId())])
  }

  invitePermission(sender: string) {
    return toResult(
      (): InvitePermission =>
        // Nobody is there to answer.
        this.host.account.standing.deactivated ? 'block' : permissionFor(this.host.sql, sender),
    )
  }

  roomAccountData(session: Session, roomId: string) {
    return this.checked(session, () =>
      accountDataSince(this.host.sql, this.host.userId(), undefined)
        .filter((event) => event.roomId === roomId)
        .map(({ type, content }) => ({ type, content })),
    )
  }

  presenceOf(session: Session, userIds: string[]) {
    const wanted = new Set(userIds)
    return this.checked(session, () =>
      this.host
        .polls()
        .presence.eventsAfter(undefined, this.host.ports.clock.now())
        .filter(({ sender }) => wanted.has(sender)),
    )
  }

  setFullyRead(session: Session, marker: { roomId: string; eventId: string; eventPos: number }) {
    return this.checked(session, () => {
      this.host.mutate(() => ({
        value: undefined,
        ...setFullyRead(this.host.sql, marker, () => this.host.nextOwn()),
      }))
      this.host.polls().serve()
    })
  }

  changePushRules(session: Session, change: PushRuleChange) {
    return this.checked(session, () => {
      const userId = this.host.userId()
      this.host.mutate(() => ({
        value: undefined,
        ...changePushRules(this.host.sql, userId, change, () => this.host.nextOwn()),
      }))
      this.host.polls().serve()
    })
  }

  // ------------------------------------------------------------ presence

  setPresence(session: Session, presence: PresenceValue, statusMsg: string | undefined) {
    return toResult(() => {
      this.host.account.checkMayTell(session)
      return this.host.polls().presence.set(presence, statusMsg)
    })
  }

  presence(viewer: string, rooms: string[]) {
    return toResult(() => {
      const shares = rooms.some((roomId) => this.host.polls().memberships.byId(roomId)?.membership === 'join')
      if (viewer !== this.host.userId() && !shares) {
        throw new MatrixError('M_FORBIDDEN', 'You share no room with this user')
      }
      return presenceContent(this.host.polls().presence.state(), this.host.ports.clock.now())
    })
  }

  hearPresence(state: PresenceState, met: boolean) {
    return toResult(() => this.host.polls().presence.hear(state, met))
  }
}
