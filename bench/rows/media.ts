/** Media of ten megabytes, up and down, one at a time. */

import { downloadMedia, register, uniqueMarker, uploadMedia } from '../client.ts'
import { percentiles, sampleRounds, timed } from '../measure.ts'
import type { Row } from '../target.ts'

const LENGTH = 10_000_000
/** Every upload stays on the disk: with five rounds and the one before them these are 300 MB. */
const MAX_SAMPLES = 5

export const mediaRow: Row = {
  name: 'media',
  description: 'an upload of 10 MB that no upload before it was like, and its download, whole',
  async run({ http, timing, record }) {
    const user = await register(http)
    const filler = 'media of the bench '.repeat(LENGTH / 19 + 1)
    const rounds = await sampleRounds({ ...timing, maxSamples: MAX_SAMPLES }, async () => {
      const text = `${uniqueMarker()} ${filler}`.slice(0, LENGTH)
      let place = ''
      const upload = await timed(async () => {
        place = await uploadMedia(user, text)
      })
      return { upload, download: await timed(() => downloadMedia(user, place, LENGTH)) }
    })
    record('media.upload.p50', percentiles(rounds, 'upload', 50))
    record('media.download.p50', percentiles(rounds, 'download', 50))
  },
}
