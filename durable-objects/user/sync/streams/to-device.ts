/** Client-Server API §Send-to-Device messaging: what waits for the device that asks. */
import type { Batch, Inbox } from '../../to-device/inbox.ts'
import type { SyncToken } from '../sync-token.ts'
import type { Stream } from './stream.ts'

export class ToDeviceStream implements Stream {
  readonly #inbox: Inbox

  constructor(inbox: Inbox) {
    this.#inbox = inbox
  }

  behind({ toDevice }: SyncToken, deviceId: string): boolean {
    return this.#inbox.newest(deviceId) > toDevice
  }

  /** The oldest messages: those that the token acknowledges are gone already. */
  after(deviceId: string): Batch {
    return this.#inbox.batch(deviceId)
  }
}
