/** To-device messages to a waiting client that shares no room with the sender. */

import { register, sendToDevice, uniqueMarker } from '../client.ts'
import { pause, percentiles, sampleRounds } from '../measure.ts'
import { withAwake } from '../receiver.ts'
import type { Row } from '../target.ts'

/** After a delivery the receiver asks again: the next sample must not run into that. */
const PACE_MS = 10

export const toDeviceRow: Row = {
  name: 'to-device',
  description:
    'one to-device message at a time, 10 ms apart, until the waiting /sync of its device is answered',
  async run({ http, timing, record }) {
    const sender = await register(http)
    const other = await register(http)
    const rounds = await withAwake([other], ([receiver]) =>
      sampleRounds(timing, async () => {
        await pause(PACE_MS)
        const marker = uniqueMarker()
        const arrived = receiver?.expect(marker)
        const start = performance.now()
        await sendToDevice(sender, other, marker)
        return { delivery: ((await arrived) ?? Number.NaN) - start }
      }),
    )
    record('todevice.p50', percentiles(rounds, 'delivery', 50))
    record('todevice.p99', percentiles(rounds, 'delivery', 99))
  },
}
