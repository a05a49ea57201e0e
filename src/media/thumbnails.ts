/** Thumbnails: made when first asked for, and stored beside their source, as is the fact that none can be made. */
import type { NoThumbnail, PictureFacts, PictureHeader, StoredThumbnail } from '../ports/media.ts'
import type { Ports } from '../ports/ports.ts'
import { MatrixError } from '../protocol/errors.ts'
import { readImageHeader, uprightSize } from './image-header.ts'
import { isDecodable, MAX_SOURCE_BYTES } from './picture-limits.ts'
import { type Box, cutFor, LARGEST_BOX, type ThumbnailMethod, thumbnailBox } from './thumbnail-size.ts'
import { inTurnByUser } from './turns.ts'
import { unknownMedia } from './uploads.ts'

type ThumbnailPorts = Pick<Ports, 'media' | 'thumbnailer' | 'clock'>

export interface ThumbnailWish extends Box {
  method: ThumbnailMethod
  /** Whether it may move, where the image does. */
  animated: boolean
}

/** The upload itself, of the type that it is found to be. */
export interface OriginalWillDo {
  original: PictureHeader['contentType']
}

/** After the work has broken off this often it is left for this long, ms: it may have been the fault of the platform. */
const MAX_BROKEN = 2
const LEFT_MS = 60 * 60 * 1_000
/** One isolate holds the source of one picture at a time; this many pictures of one user may wait. */
const MAX_WAITING = 100
const BUSY_MS = 2_000
/** Other isolates may use the same Worker: how often it is asked again, and how long in between, ms. */
const TRIES = 20
const TRY_AGAIN_MS = 500

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

let turn: ReturnType<typeof inTurnByUser> | undefined

/** The user, or the address, that wants a thumbnail. */
export interface Asker {
  /** Tells one from another. */
  name: string
  /** Called before a picture is decoded. @throws MatrixError M_LIMIT_EXCEEDED */
  pay(): void
}

/**
 * The thumbnail of an upload, or the answer that the upload itself is to be sent: it is no larger than what was asked
 * for, or a larger thumbnail was asked for than we make.
 * @throws MatrixError M_UNKNOWN (400) if it is not an image that we read, M_TOO_LARGE if it is too large to decode,
 *   M_LIMIT_EXCEEDED
 */
export async function thumbnailOf(
  ports: ThumbnailPorts,
  upload: { mediaId: string; size: number },
  wish: ThumbnailWish,
  asker: Asker,
): Promise<StoredThumbnail | OriginalWillDo> {
  const { media } = ports
  const box = thumbnailBox(wish.method, wish)
  const within = box ?? LARGEST_BOX
  const name = nameOf(within, wish)
  const known = await media.thumbnail(upload.mediaId, name)
  if (known !== undefined) return known
  const facts = await media.pictureFacts(upload.mediaId)
  if (wish.animated && facts?.header?.animated === false) {
    return thumbnailOf(ports, upload, { ...wish, animated: false }, asker)
  }
  const sized = { ...wish, within, isLargest: box === undefined }
  const answer = facts && withoutWork(facts, sized, ports.clock.now())
  if (answer !== undefined) return answer
  asker.pay()
  turn ??= inTurnByUser({ waiting: MAX_WAITING, clock: ports.clock })
  const made = await turn(asker.name, () => make(ports, upload, sized))
  if (made === 'busy') throw busy()
  return made
}

interface Sized extends ThumbnailWish {
  within: Box
  /** No size of ours is as large as what is asked for. */
  isLargest: boolean
}

/** What can be said without the bytes. @throws MatrixError */
function withoutWork(
  { header, none, broken }: PictureFacts,
  { within, method, animated, isLargest }: Sized,
  now: number,
): OriginalWillDo | undefined {
  if (none !== undefined || header === undefined) throw refusal(none ?? 'unreadable')
  const isLeft = broken !== undefined && broken.times >= MAX_BROKEN && now - broken.ts < LEFT_MS
  if (isLeft) throw refusal('unreadable')
  // A thumbnail must not move by itself unless that is asked for, however small it is.
  if (header.animated && !animated) return undefined
  const isSmall = cutFor(uprightSize(header), within, method) === undefined
  return isSmall || isLargest ? { original: header.contentType } : undefined
}

async function make(
  { media, thumbnailer, clock }: ThumbnailPorts,
  { mediaId, size }: { mediaId: string; size: number },
  wish: Sized,
): Promise<StoredThumbnail | OriginalWillDo | 'busy'> {
  const name = nameOf(wish.within, wish)
  // Somebody else may have asked for the same while this one waited.
  const [known, before] = [await media.thumbnail(mediaId, name), await media.pictureFacts(mediaId)]
  if (known !== undefined) return known
  const source = size > MAX_SOURCE_BYTES ? undefined : await media.whole(mediaId)
  if (source === undefined && size <= MAX_SOURCE_BYTES) throw unknownMedia()
  const facts = before ?? lookAt(source)
  if (before === undefined) await media.putPictureFacts(mediaId, facts)
  const answer = withoutWork(facts, wish, clock.now())
  if (answer !== undefined) return answer
  const { header } = facts
  if (source === undefined || header === undefined) throw refusal('unreadable')
  const animated = wish.animated && header.animated
  const keptAs = nameOf(wish.within, { ...wish, animated })
  const request = { ...header, within: wish.within, method: wish.method, animated }
  const made = await untilFree(() => thumbnailer.make(source, request))
  if (made === 'busy') return made
  if (made === 'broken') {
    await media.putPictureFacts(mediaId, {
      ...facts,
      broken: { times: (facts.broken?.times ?? 0) + 1, ts: clock.now() },
    })
    throw refusal('unreadable')
  }
  if (typeof made === 'string') {
    await media.putPictureFacts(mediaId, { ...facts, none: made })
    throw refusal(made)
  }
  await media.putThumbnail(mediaId, keptAs, made)
  return (await media.thumbnail(mediaId, keptAs)) ?? 'busy'
}

async function untilFree<T>(ask: () => Promise<T | 'busy'>): Promise<T | 'busy'> {
  for (let tries = 1; tries < TRIES; tries += 1) {
    const answer = await ask()
    if (answer !== 'busy') return answer
    await sleep(TRY_AGAIN_MS)
  }
  return ask()
}

/** @param source undefined where it is too large to be read */
function lookAt(source: Uint8Array | undefined): PictureFacts {
  if (source === undefined) return { none: 'too_large' }
  const header = readImageHeader(source)
  if (header === undefined) return { none: 'unreadable' }
  return isDecodable(header) ? { header } : { header, none: 'too_large' }
}

function nameOf({ width, height }: Box, { method, animated }: ThumbnailWish): string {
  return `${width}x${height}-${method}${animated ? '-animated' : ''}`
}

function refusal(reason: NoThumbnail): MatrixError {
  return reason === 'too_large'
    ? new MatrixError('M_TOO_LARGE', 'The picture is too large for a thumbnail')
    : new MatrixError('M_UNKNOWN', 'No thumbnail can be made of this media', { status: 400 })
}

function busy(): MatrixError {
  return new MatrixError('M_LIMIT_EXCEEDED', 'Too many thumbnails are being made: ask again in a moment', {
    extra: { retry_after_ms: BUSY_MS },
  })
}
