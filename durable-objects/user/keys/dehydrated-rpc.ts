/** The part of a User object's RPC surface that speaks of the dehydrated device (MSC3814). */
import type { DehydratedDevice, DehydratedEvents, DehydratedUpload } from '../../../src/objects/user/keys.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { RpcResult } from '../../rpc.ts'
import { PushRpc } from '../push/push-rpc.ts'
import { dropDehydrated, getDehydrated, putDehydrated } from './dehydrated.ts'

export abstract class DehydratedRpc extends PushRpc {
  dehydratedDevice(session: Session): RpcResult<DehydratedDevice> {
    return this.checked(session, () => getDehydrated(this.host.sql))
  }

  putDehydratedDevice(session: Session, upload: DehydratedUpload): RpcResult<void> {
    return this.checked(session, () => {
      const { mutate, polls, sql, userId } = this.host
      mutate(() => ({
        value: undefined,
        archive: putDehydrated(sql, userId(), upload),
        deviceLists: [userId()],
      }))
      polls().inbox.forget()
    })
  }

  deleteDehydratedDevice(session: Session): RpcResult<string> {
    return this.checked(session, () => {
      const { mutate, polls, sql, userId } = this.host
      const { deviceId } = getDehydrated(sql)
      mutate(() => ({
        value: undefined,
        archive: dropDehydrated(sql, userId()),
        deviceLists: [userId()],
      }))
      polls().inbox.forget()
      return deviceId
    })
  }

  /** Reading takes nothing away: a client that dies on the way begins anew. Messages go with their device. */
  dehydratedEvents(
    session: Session,
    deviceId: string,
    after: number,
    limit: number,
  ): RpcResult<DehydratedEvents> {
    return this.checked(session, () => {
      if (getDehydrated(this.host.sql).deviceId !== deviceId) {
        throw new MatrixError('M_NOT_FOUND', 'This is not the dehydrated device')
      }
      const { events, last } = this.host.polls().inbox.batchAfter(deviceId, after, limit)
      return { events, ...(last !== undefined && { last }) }
    })
  }
}
