/** The part of a User object's RPC surface that speaks of to-device messages. */
import type { Session } from '../../../src/objects/user/session.ts'
import type { ToDeviceMessage, ToDeviceParcel } from '../../../src/objects/user/to-device.ts'
import { patiently } from '../../patience.ts'
import { type RpcResult, toResult, toResultAsync } from '../../rpc.ts'
import { KeysRpc } from '../keys/keys-rpc.ts'

/** A sender does not wait longer for those who are hard to reach, ms: the alarm goes on. */
const DELIVERY_PATIENCE_MS = 2_000

export abstract class ToDeviceRpc extends KeysRpc {
  sendToDevice(
    session: Session,
    txnId: string,
    messages: Record<string, ToDeviceMessage[]>,
  ): Promise<RpcResult<void>> {
    return toResultAsync(async () => {
      const { account, mutate, outbox, polls, beforeAnswer, timers, ports } = this.host
      const recipients = Object.keys(messages)
      // Suspended users go on verifying their own devices.
      const isForSelf = recipients.length === 1 && recipients[0] === session.userId
      if (isForSelf) account.check(session)
      else account.checkMayTell(session)
      mutate(() => {
        outbox.store({ deviceId: session.deviceId, txnId, messages })
        return { value: undefined, archive: [] }
      })
      polls().serve()
      if (outbox.waiting()) timers().arm('to-device', ports.clock.now() + DELIVERY_PATIENCE_MS)
      await beforeAnswer()
      await patiently(
        DELIVERY_PATIENCE_MS,
        outbox.deliver().catch(() => undefined),
      )
    })
  }

  takeToDevice(sender: string, parcels: ToDeviceParcel[]): RpcResult<void> {
    return toResult(() => {
      const { mutate, polls, ports } = this.host
      const { inbox } = polls()
      mutate(() => ({ value: inbox.take(sender, parcels, ports.clock.now()), archive: [] }))
      polls().serve()
    })
  }
}
