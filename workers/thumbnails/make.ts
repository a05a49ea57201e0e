/** From one image to a smaller one. */
import { type Box, type Cut, cutFor } from '../../src/media/thumbnail-size.ts'
import type { Thumbnail, ThumbnailRequest } from '../../src/ports/media.ts'
import { type Animation, animatedThumbnail, type OpenEncoder } from './animation.ts'
import { encodeJpeg, giveBackMemory } from './codecs.ts'
import { decodeGif, gifAnimation } from './gif/decode.ts'
import { gifEncoder } from './gif/encode.ts'
import { decodeJpeg } from './jpeg/decode.ts'
import { upright } from './orientation.ts'
import { isOpaque, type OpenRows, type Picture } from './picture.ts'
import { decodePng, pngAnimation } from './png/decode.ts'
import { apngEncoder, encodePng } from './png/encode.ts'
import { resampling } from './resample.ts'
import { decodeStill, webpAnimation, webpEncoder } from './webp/animation.ts'
import type { Work } from './work.ts'

interface Decoding {
  bytes: Uint8Array
  /** By how much the picture may be made smaller while it is decoded. */
  factor: number
  work: Work
}

interface Format {
  decode(decoding: Decoding, open: OpenRows): Promise<void> | void
  /** Undefined where it does not move. */
  animation?: (bytes: Uint8Array, work: Work) => Animation | undefined
  encoder?: OpenEncoder
}

const FORMATS: Readonly<Record<ThumbnailRequest['contentType'], Format>> = {
  'image/jpeg': { decode: decodeJpeg },
  'image/png': {
    decode: ({ bytes, work }, open) => decodePng(bytes, work, open),
    animation: pngAnimation,
    encoder: pngEncoder,
  },
  'image/gif': {
    decode: ({ bytes, work }, open) => decodeGif(bytes, work, open),
    animation: gifAnimation,
    encoder: gifEncoder,
  },
  'image/webp': {
    decode: ({ bytes, work }, open) => decodeStill(bytes, work, open),
    animation: webpAnimation,
    encoder: webpEncoder,
  },
}

/** @throws Unreadable, TooLarge */
export async function makeThumbnail(
  bytes: Uint8Array,
  request: ThumbnailRequest,
  work: Work,
): Promise<Thumbnail> {
  if (request.contentType !== 'image/webp') giveBackMemory()
  const moving = await moved(bytes, request, work)
  if (moving !== undefined) return moving
  const picture = upright(await decoded(bytes, request, work), request.orientation)
  return isOpaque(picture)
    ? { contentType: 'image/jpeg', bytes: await encodeJpeg(picture) }
    : { contentType: 'image/png', bytes: await encodePng(picture) }
}

/** Undefined where it does not move, or is not to, or a frame of it is broken: it is shown by its first picture then. */
async function moved(
  bytes: Uint8Array,
  request: ThumbnailRequest,
  work: Work,
): Promise<Thumbnail | undefined> {
  const { animation, encoder } = FORMATS[request.contentType]
  // Frames are not turned.
  if (!request.animated || request.orientation !== 1 || encoder === undefined) return undefined
  try {
    const moving = animation?.(bytes, work)
    return moving && (await animatedThumbnail(moving, request, encoder))
  } catch {
    return undefined
  }
}

/** As it is stored, brought to the size that it will have when it is turned. */
async function decoded(
  bytes: Uint8Array,
  { contentType, width, height, orientation, within, method }: ThumbnailRequest,
  work: Work,
): Promise<Picture> {
  const size = { width, height }
  const box = orientation > 4 ? { width: within.height, height: within.width } : within
  const cut = cutFor(size, box, method) ?? { source: { x: 0, y: 0, ...size }, target: size }
  const made = resampling(size, cut)
  await FORMATS[contentType].decode({ bytes, factor: factorOf(cut), work }, made.open)
  return made.picture()
}

/** What is left for the mean is at least half as much again as is wanted: it looks better than what is decoded to size. */
const LEFT = 1.5

function factorOf({ source, target }: Cut): number {
  return Math.max(1, Math.min(source.width / target.width, source.height / target.height) / LEFT)
}

function pngEncoder(size: Box, frames: number, plays: number) {
  const encoder = apngEncoder(size, frames, plays)
  return { add: encoder.add, finish: () => ({ contentType: 'image/png', bytes: encoder.bytes() }) }
}
