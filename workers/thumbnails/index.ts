/**
 * The Worker that makes thumbnails: it has no bindings and no state, gets the bytes of one image, and answers those of
 * a smaller one. Apart from the homeserver, since decoding takes time and memory, and reads what anybody may upload.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import type { Thumbnail, ThumbnailRequest } from '../../src/ports.ts'
import { makeThumbnail } from './make.ts'

export class Thumbnails extends WorkerEntrypoint {
  /** What cannot be decoded is `unreadable`, for whatever reason: decoders tell no more. */
  async make(
    source: Uint8Array,
    request: ThumbnailRequest,
  ): Promise<Thumbnail | 'small_enough' | 'unreadable'> {
    try {
      return await makeThumbnail(source, request)
    } catch {
      return 'unreadable'
    }
  }
}

export default { fetch: () => new Response(null, { status: 404 }) }
