/** From one image to a smaller one. */

import { cutFor } from '../../src/media/thumbnail-size.ts'
import type { Thumbnail, ThumbnailRequest } from '../../src/ports.ts'
import { cutOut, decoders, encodeJpeg, encodePng } from './codecs.ts'
import { animatedThumbnail, firstFrame } from './gif.ts'
import { isOpaque, type Picture } from './picture.ts'

export async function makeThumbnail(
  source: Uint8Array,
  request: ThumbnailRequest,
): Promise<Thumbnail | 'small_enough'> {
  if (request.animated && request.contentType === 'image/gif') {
    const bytes = await animatedThumbnail(source, request)
    if (bytes === 'small_enough') return bytes
    if (bytes !== undefined) return { contentType: 'image/gif', bytes }
  }
  return still(await decode(source, request), request)
}

function decode(source: Uint8Array, { contentType }: ThumbnailRequest): Promise<Picture> | Picture {
  return contentType === 'image/gif' ? firstFrame(source) : decoders[contentType](source)
}

async function still(
  picture: Picture,
  { within, method, redraw }: ThumbnailRequest,
): Promise<Thumbnail | 'small_enough'> {
  const cut = cutFor(picture, within, method)
  if (cut === undefined && !redraw) return 'small_enough'
  const small = cut === undefined ? picture : await cutOut(picture, cut)
  return isOpaque(small)
    ? { contentType: 'image/jpeg', bytes: await encodeJpeg(small) }
    : { contentType: 'image/png', bytes: await encodePng(small) }
}
