/** What is asked of a User object about to-device messages. */
import type { Session } from '../../../src/objects/user/session.ts'
import type { ToDeviceMessage, ToDeviceParcel } from '../../../src/objects/user/to-device.ts'
import { patiently } from '../../../src/patience.ts'
import { rpcTable } from '../../rpc-table.ts'
import type { UserHost } from '../host.ts'

/** A sender does not wait longer for receivers that are hard to reach, ms: the alarm goes on. */
const DELIVERY_PATIENCE_MS = 2_000

export const toDeviceRpc = rpcTable<UserHost>()({
  /** Stores messages by receiver, all of this server, and delivers them; once for each transaction id of a device. */
  sendToDevice: {
    session: 'by row',
    repeatable: true,
    async run(
      { account, mutate, outbox, polls, beforeAnswer, timers, ports },
      session: Session,
      txnId: string,
      messages: Record<string, ToDeviceMessage[]>,
    ): Promise<void> {
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
        outbox.flush().catch(() => undefined),
      )
    },
  },

  /** For the devices of this user: parcels of one sender, oldest first; those that came before are passed over. */
  takeToDevice: {
    session: 'none',
    repeatable: true,
    run({ mutate, polls, ports }, sender: string, parcels: ToDeviceParcel[]): void {
      const { inbox } = polls()
      mutate(() => ({ value: inbox.take(sender, parcels, ports.clock.now()), archive: [] }))
      polls().serve()
    },
  },
})
