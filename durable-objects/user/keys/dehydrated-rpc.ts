/** What is asked of a User object about the dehydrated device (MSC3814). */
import type { DehydratedDevice, DehydratedEvents, DehydratedUpload } from '../../../src/objects/user/keys.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { rpcTable } from '../../rpc-table.ts'
import type { UserHost } from '../host.ts'
import { dropDehydrated, getDehydrated, putDehydrated } from './dehydrated.ts'

export const dehydratedRpc = rpcTable<UserHost>()({
  /** @throws MatrixError M_NOT_FOUND where there is none; so do the rows for deletion and events */
  dehydratedDevice: {
    session: 'checked',
    repeatable: true,
    run: ({ sql }): DehydratedDevice => getDehydrated(sql),
  },

  putDehydratedDevice: {
    session: 'checked',
    repeatable: true,
    run({ mutate, polls, sql, userId }, _: Session, upload: DehydratedUpload): void {
      mutate(() => ({
        value: undefined,
        archive: putDehydrated(sql, userId(), upload),
        deviceLists: [userId()],
      }))
      polls().inbox.forget()
    },
  },

  /** Answers its id. */
  deleteDehydratedDevice: {
    session: 'checked',
    repeatable: false,
    run({ mutate, polls, sql, userId }): string {
      const { deviceId } = getDehydrated(sql)
      mutate(() => ({
        value: undefined,
        archive: dropDehydrated(sql, userId()),
        deviceLists: [userId()],
      }))
      polls().inbox.forget()
      return deviceId
    },
  },

  /**
   * What came for it after a place. Reading takes nothing away: a client that dies on the way begins anew. Messages go
   * with their device.
   */
  dehydratedEvents: {
    session: 'checked',
    repeatable: true,
    run({ polls, sql }, _: Session, deviceId: string, after: number, limit: number): DehydratedEvents {
      if (getDehydrated(sql).deviceId !== deviceId) {
        throw new MatrixError('M_NOT_FOUND', 'This is not the dehydrated device')
      }
      const { events, last } = polls().inbox.batchAfter(deviceId, after, limit)
      return { events, ...(last !== undefined && { last }) }
    },
  },
})
