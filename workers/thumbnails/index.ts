/**
 * The Worker that makes thumbnails: it has no bindings and no state, gets the bytes of one image, and answers those of
 * a smaller one. Apart from the homeserver, since decoding takes time and memory, and reads what anybody may upload.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import { inTurn } from '../../src/media/turns.ts'
import type { PictureWork, ThumbnailOutcome, ThumbnailRequest } from '../../src/ports/media.ts'
import { systemClock } from '../../src/system.ts'
import { makeThumbnail } from './make.ts'
import { TooLarge } from './picture.ts'
import { countWork } from './work.ts'

/** Each piece of work has the memory of an isolate to itself; the bytes of waiting ones are in memory too. */
const turn = inTurn({ waiting: 3, clock: systemClock })

export class Thumbnails extends WorkerEntrypoint {
  /** What cannot be decoded is `unreadable`, for whatever reason: decoders tell no more. */
  async make(
    source: Uint8Array,
    request: ThumbnailRequest,
  ): Promise<{ made: ThumbnailOutcome; work: PictureWork }> {
    const work = countWork()
    const made = await turn(async (): Promise<ThumbnailOutcome> => {
      try {
        return await makeThumbnail(source, request, work)
      } catch (error) {
        return error instanceof TooLarge ? 'too_large' : 'unreadable'
      }
    })
    return { made, work: work.done() }
  }
}

export default { fetch: () => new Response(null, { status: 404 }) }
