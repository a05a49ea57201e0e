/** The part of a User object's RPC surface that speaks of pushers. */
import type { Session } from '../../../src/objects/user/session.ts'
import type { Pusher, PushNews } from '../../../src/objects/user/settings.ts'
import type { NotificationRooms } from '../../../src/objects/user/sync.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { type RpcResult, toResult, toResultAsync } from '../../rpc.ts'
import { KeyBackupRpc } from '../keys/key-backup-rpc.ts'
import { ignoredUsers } from '../settings/ignored-users.ts'
import { storedRuleset } from './push-rules.ts'
import { hasPushers, listPushers, putPusher, removePusher } from './pushers.ts'

export abstract class PushRpc extends KeyBackupRpc {
  pushers(session: Session): RpcResult<JsonObject[]> {
    return this.checked(session, () => listPushers(this.host.sql))
  }

  setPusher(session: Session, pusher: Pusher): Promise<RpcResult<void>> {
    return toResultAsync(async () => {
      const { account, sql, mutate, ports, pushes, beforeAnswer } = this.host
      account.check(session)
      const now = ports.clock.now()
      mutate(() => {
        // While there was none, nothing was counted.
        if (!hasPushers(sql)) pushes.countAnew()
        return { value: undefined, archive: putPusher(sql, session.deviceId, pusher, now) }
      })
      await beforeAnswer()
    })
  }

  pushNews(news: PushNews): RpcResult<void> {
    return toResult(() => this.host.pushes.news(news))
  }

  pushRead(roomId: string): RpcResult<void> {
    return toResult(() => this.host.pushes.read(roomId))
  }

  notificationRooms(session: Session): RpcResult<NotificationRooms> {
    return this.checked(session, () => {
      const { sql, polls, userId } = this.host
      const ruleset = storedRuleset(sql)
      return {
        rooms: polls().roomsByNews(),
        ignored: [...ignoredUsers(sql, userId())],
        ...(ruleset !== undefined && { ruleset }),
      }
    })
  }

  removePusher(session: Session, appId: string, pushkey: string): RpcResult<void> {
    return this.checked(session, () => this.#remove(appId, pushkey))
  }

  losePusher(appId: string, pushkey: string): RpcResult<void> {
    return toResult(() => this.#remove(appId, pushkey))
  }

  #remove(appId: string, pushkey: string): void {
    const { sql, mutate } = this.host
    mutate(() => ({ value: undefined, archive: removePusher(sql, appId, pushkey) }))
  }
}
