/** Thumbnails, by the Worker that makes them. */
import type { Thumbnailer } from '../ports.ts'

/**
 * Where it breaks off, the image took more memory or time than the platform gives: it is as good as unreadable.
 * @param count called before each request
 */
export function thumbnailWorker(service: Service, count: () => void): Thumbnailer {
  const worker = service as unknown as Thumbnailer
  return {
    async make(source, request) {
      count()
      return worker.make(source, request).catch(() => 'unreadable' as const)
    },
  }
}
