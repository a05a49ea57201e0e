/** Thumbnails: made when first asked for, and kept beside what they are of. */
import type { Ports, StoredThumbnail } from '../ports.ts'
import { MatrixError } from '../protocol/errors.ts'
import { readImageHeader } from './image-header.ts'
import { type Box, type ThumbnailMethod, thumbnailBox } from './thumbnail-size.ts'

type ThumbnailPorts = Pick<Ports, 'media' | 'thumbnailer'>

export interface ThumbnailWish extends Box {
  method: ThumbnailMethod
  /** Whether it may move, where the image does. */
  animated: boolean
}

/** Larger files are not read into memory, bytes. */
const MAX_SOURCE_BYTES = 20 * 1024 * 1024
/** What a camera of 12 megapixels makes. An image is in memory twice while it is decoded, of 128 MB at most. */
const MAX_PIXELS = 4096 * 3072

/**
 * The thumbnail of an upload, or undefined where the upload itself is the answer, being no larger.
 * @throws MatrixError M_UNKNOWN (400) for what is no image that we read, M_TOO_LARGE for one too large to be decoded
 */
export async function thumbnailOf(
  { media, thumbnailer }: ThumbnailPorts,
  { mediaId, size }: { mediaId: string; size: number },
  wish: ThumbnailWish,
): Promise<StoredThumbnail | undefined> {
  const within = thumbnailBox(wish.method, wish)
  const name = nameOf(within, wish)
  const known = await media.thumbnail(mediaId, name)
  if (known !== undefined) return known
  if (size > MAX_SOURCE_BYTES) throw tooLarge()
  const source = await wholeOf(await media.read(mediaId))
  const header = source && readImageHeader(source)
  if (source === undefined || header === undefined) throw noImage()
  if (header.width * header.height > MAX_PIXELS) throw tooLarge()
  const animated = wish.animated && header.animated
  // One that moves by itself must not, unless that is asked for, however small it is.
  const redraw = header.animated && !animated
  const made = await thumbnailer.make(source, { ...header, within, method: wish.method, animated, redraw })
  if (made === 'unreadable') throw noImage()
  if (made === 'small_enough') return undefined
  await media.putThumbnail(mediaId, name, made)
  return media.thumbnail(mediaId, name)
}

function nameOf({ width, height }: Box, { method, animated }: ThumbnailWish): string {
  return `${width}x${height}-${method}${animated ? '-animated' : ''}`
}

async function wholeOf(body: ReadableStream<Uint8Array> | undefined): Promise<Uint8Array | undefined> {
  return body && new Uint8Array(await new Response(body).arrayBuffer())
}

function noImage(): MatrixError {
  return new MatrixError('M_UNKNOWN', 'There is no thumbnail of this', { status: 400 })
}

function tooLarge(): MatrixError {
  return new MatrixError('M_TOO_LARGE', 'This is too large for a thumbnail')
}
