/** What is asked of a User object about pushers and notifications. */
import type { Session } from '../../../src/objects/user/session.ts'
import type { Pusher, PushNews } from '../../../src/objects/user/settings.ts'
import type { NotificationRooms } from '../../../src/objects/user/sync.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { rpcTable } from '../../rpc-table.ts'
import type { UserHost } from '../host.ts'
import { ignoredUsers } from '../settings/ignored-users.ts'
import { storedRuleset } from './push-rules.ts'
import { hasPushers, listPushers, putPusher, removePusher } from './pushers.ts'

export const pushRpc = rpcTable<UserHost>()({
  pushers: { session: 'checked', repeatable: true, run: ({ sql }): JsonObject[] => listPushers(sql) },

  /** Adds a pusher of the session's device, or puts it in the place of the one with its app and pushkey. */
  setPusher: {
    session: 'checked',
    repeatable: true,
    async run(
      { sql, mutate, ports, pushes, beforeAnswer },
      { deviceId }: Session,
      pusher: Pusher,
    ): Promise<void> {
      const now = ports.clock.now()
      mutate(() => {
        // While there was none, nothing was counted.
        if (!hasPushers(sql)) pushes.countAnew()
        return { value: undefined, archive: putPusher(sql, deviceId, pusher, now) }
      })
      await beforeAnswer()
    },
  },

  removePusher: {
    session: 'checked',
    repeatable: true,
    run: (host, _: Session, appId: string, pushkey: string): void => remove(host, appId, pushkey),
  },

  /** Another user has this pushkey now. */
  losePusher: {
    session: 'none',
    repeatable: true,
    run: (host, appId: string, pushkey: string): void => remove(host, appId, pushkey),
  },

  /** A Room's new events, of which the user's pushers may have to be told. The Room sends them again by itself. */
  pushNews: {
    session: 'none',
    repeatable: false,
    run: ({ pushes }, news: PushNews): void => pushes.news(news),
  },

  /** The member has read in a room: the number on their devices may be lower. */
  pushRead: {
    session: 'none',
    repeatable: true,
    run: ({ pushes }, roomId: string): void => pushes.read(roomId),
  },

  /** What finding the user's notifications takes: their joined rooms, those that moved last first, and their settings. */
  notificationRooms: {
    session: 'checked',
    repeatable: true,
    run({ sql, polls, userId }): NotificationRooms {
      const ruleset = storedRuleset(sql)
      return {
        rooms: polls().places.roomsByNews(),
        ignored: [...ignoredUsers(sql, userId())],
        ...(ruleset !== undefined && { ruleset }),
      }
    },
  },
})

function remove({ mutate, sql }: UserHost, appId: string, pushkey: string): void {
  mutate(() => ({ value: undefined, archive: removePusher(sql, appId, pushkey) }))
}
