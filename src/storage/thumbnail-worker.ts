/** Thumbnails, by the Worker that makes them. */
import type { PictureWork, Thumbnailer, ThumbnailOutcome, ThumbnailRequest } from '../ports/media.ts'
import type { CallCounters } from '../ports/system.ts'

interface Maker {
  make(source: Uint8Array, request: ThumbnailRequest): Promise<{ made: ThumbnailOutcome; work: PictureWork }>
}

/**
 * The Worker behind a binding.
 * @param count called before each request, which breaks off where it throws
 * @param calls counts what decoding costs
 */
export function thumbnailWorker(service: Service, count: () => void, calls: CallCounters): Thumbnailer {
  const worker = service as unknown as Maker
  return {
    async make(source, request) {
      calls.count('thumbnails.make')
      const ask = async () => {
        count()
        return worker.make(source, request)
      }
      const answer = await ask().catch(() => undefined)
      if (answer === undefined) return 'broken'
      calls.count('thumbnails.pixels', answer.work.pixels)
      calls.count('thumbnails.scans', answer.work.scans)
      return answer.made
    },
  }
}
