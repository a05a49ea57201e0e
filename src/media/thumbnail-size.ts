/** Which thumbnail is made for what a client asks: only a few sizes, so that nobody can fill the store with odd ones. */

export type ThumbnailMethod = 'crop' | 'scale'

export interface Box {
  width: number
  height: number
}

/** For screens that show a picture with twice the pixels that clients ask for. */
const LARGE: readonly Box[] = [box(1600, 1200), box(1600)]

/** Client-Server API §Thumbnails names those of 32, 96, 320×240, 640×480 and 800×600; squares are for avatars. */
const BOXES: Readonly<Record<ThumbnailMethod, readonly Box[]>> = {
  crop: [
    ...[box(32), box(96), box(320, 240), box(320), box(640, 480), box(640), box(800, 600), box(800)],
    ...LARGE,
  ],
  scale: [box(32), box(96), box(320, 240), box(640, 480), box(800, 600), box(800), ...LARGE],
}

function box(width: number, height = width): Box {
  return { width, height }
}

/** The smallest of our sizes that is no smaller than what is wanted; undefined if all are smaller. */
export function thumbnailBox(method: ThumbnailMethod, wanted: Box): Box | undefined {
  return BOXES[method].find(({ width, height }) => width >= wanted.width && height >= wanted.height)
}

/** The largest of our sizes. */
export const LARGEST_BOX: Box = box(1600)

/** A part of the source, and the size it is brought to. */
export interface Cut {
  source: Box & { x: number; y: number }
  target: Box
}

/**
 * How an image is made to fit a box: scaled, it lies within it as a whole; cropped, it covers it with its middle.
 * "The server MUST NOT upscale": undefined where the image is no larger than that.
 */
export function cutFor(image: Box, within: Box, method: ThumbnailMethod): Cut | undefined {
  const [across, down] = [within.width / image.width, within.height / image.height]
  const scale = Math.min(1, method === 'crop' ? Math.max(across, down) : Math.min(across, down))
  const scaled = { width: pixels(image.width * scale), height: pixels(image.height * scale) }
  if (method === 'scale') {
    return scale === 1 ? undefined : { source: { x: 0, y: 0, ...image }, target: scaled }
  }
  const target = {
    width: Math.min(within.width, scaled.width),
    height: Math.min(within.height, scaled.height),
  }
  if (target.width === image.width && target.height === image.height) return undefined
  const part = {
    width: Math.min(image.width, pixels(target.width / scale)),
    height: Math.min(image.height, pixels(target.height / scale)),
  }
  const [x, y] = [Math.floor((image.width - part.width) / 2), Math.floor((image.height - part.height) / 2)]
  return { source: { x, y, ...part }, target }
}

function pixels(length: number): number {
  return Math.max(1, Math.round(length))
}
