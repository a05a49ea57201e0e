/** Ports that count what goes through them. */
import type { MediaStore } from '../ports/media.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { PushGateway } from '../ports/push.ts'

/** The same gateway, its notifications counted by what became of them. */
export function countedPushes(gateway: PushGateway, metrics: Metrics): PushGateway {
  return {
    async notify(url, notification) {
      try {
        const rejected = await gateway.notify(url, notification)
        metrics.count('pushes_total', { outcome: rejected.length > 0 ? 'rejected' : 'delivered' })
        return rejected
      } catch (error) {
        metrics.count('pushes_total', { outcome: 'failed' })
        throw error
      }
    },
  }
}

/** The same store, the bytes of its uploads counted. What is downloaded is counted where its length is known. */
export function countedMedia(media: MediaStore, metrics: Metrics): MediaStore {
  return {
    ...media,
    async put(mediaId, facts, content) {
      const written = await media.put(mediaId, facts, content)
      if (typeof written === 'object')
        metrics.count('media_bytes_total', { direction: 'uploaded' }, written.size)
      return written
    },
  }
}
