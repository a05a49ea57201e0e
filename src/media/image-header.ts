/** What an image says of itself, read before anything is decoded: its kind, its size, whether it moves or is turned. */
import { orientationIn } from './exif.ts'

export interface ImageHeader {
  contentType: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp'
  /** Pixels, as they are stored: a camera held upright may have noted that they are to be turned. */
  width: number
  height: number
  /** Several pictures, one after the other. */
  animated: boolean
  /** EXIF's: how it is to be turned, 1 where it stands upright. */
  orientation: number
}

/**
 * The header of a PNG, JPEG, GIF or WebP; undefined for anything else.
 * @param bytes all of the image: in a JPEG the size may stand far behind
 */
export function readImageHeader(bytes: Uint8Array): ImageHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    for (const read of [png, jpeg, gif, webp]) {
      const header = read(bytes, view)
      if (header !== undefined) return header.width > 0 && header.height > 0 ? header : undefined
    }
  } catch (error) {
    // Cut off in the middle of its header.
    if (!(error instanceof RangeError)) throw error
  }
  return undefined
}

function startsWith(bytes: Uint8Array, text: string, at = 0): boolean {
  for (let i = 0; i < text.length; i += 1) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}

/** The size as it is to be seen: turned on its side, where the camera was. */
export function uprightSize({ width, height, orientation }: ImageHeader): { width: number; height: number } {
  return orientation > 4 ? { width: height, height: width } : { width, height }
}

/** The chunk with the size is the first one; that of an animation stands before the picture, EXIF anywhere. */
function png(bytes: Uint8Array, view: DataView): ImageHeader | undefined {
  if (!startsWith(bytes, '\x89PNG\r\n\x1a\n') || !startsWith(bytes, 'IHDR', 12)) return undefined
  const [width, height] = [view.getUint32(16), view.getUint32(20)]
  const header: ImageHeader = { contentType: 'image/png', width, height, animated: false, orientation: 1 }
  let hasPicture = false
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at)
    if (startsWith(bytes, 'IDAT', at + 4)) hasPicture = true
    else if (startsWith(bytes, 'acTL', at + 4)) header.animated = !hasPicture && view.getUint32(at + 8) > 1
    else if (startsWith(bytes, 'eXIf', at + 4)) {
      header.orientation = orientationIn(bytes.subarray(at + 8, at + 8 + length))
    }
    at += 12 + length
  }
  return header
}

/** Frame headers are SOF0 to SOF15, except DHT, JPG and DAC, whose numbers lie among them. */
const NO_FRAME: ReadonlySet<number> = new Set([0xc4, 0xc8, 0xcc])

const EXIF = 0xe1

function jpeg(bytes: Uint8Array, view: DataView): ImageHeader | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined
  let orientation = 1
  for (let at = 2; at < bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined
    const marker = view.getUint8(at + 1)
    if (marker === 0xff) {
      at += 1
      continue
    }
    if (marker === EXIF && startsWith(bytes, 'Exif\0\0', at + 4)) {
      orientation = orientationIn(bytes.subarray(at + 10, at + 2 + view.getUint16(at + 2)))
    }
    if (marker >= 0xc0 && marker <= 0xcf && !NO_FRAME.has(marker)) {
      const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)]
      return { contentType: 'image/jpeg', width, height, animated: false, orientation }
    }
    // The picture itself begins, and no frame header came before it.
    if (marker === 0xda || marker === 0xd9) return undefined
    at += 2 + view.getUint16(at + 2)
  }
  return undefined
}

function gif(bytes: Uint8Array, view: DataView): ImageHeader | undefined {
  if (!startsWith(bytes, 'GIF87a') && !startsWith(bytes, 'GIF89a')) return undefined
  return {
    contentType: 'image/gif',
    width: view.getUint16(6, true),
    height: view.getUint16(8, true),
    animated: gifPictures(bytes, view) > 1,
    orientation: 1,
  }
}

/** Counts to two. */
function gifPictures(bytes: Uint8Array, view: DataView): number {
  const tableBytes = (flags: number) => ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1))
  const afterBlocks = (from: number) => {
    let at = from
    while (at < bytes.length && bytes[at] !== 0) at += 1 + (bytes[at] ?? 0)
    return at + 1
  }
  let pictures = 0
  let at = 13 + tableBytes(view.getUint8(10))
  while (at < bytes.length && pictures < 2) {
    if (bytes[at] === 0x21) at = afterBlocks(at + 2)
    else if (bytes[at] === 0x2c) {
      pictures += 1
      at = afterBlocks(at + 11 + tableBytes(bytes[at + 9] ?? 0))
    } else break
  }
  return pictures
}

const ANIMATION = 0x02

/** RFC 9649: the extended format says its size itself; in the others the picture does. */
function webp(bytes: Uint8Array, view: DataView): ImageHeader | undefined {
  if (!startsWith(bytes, 'RIFF') || !startsWith(bytes, 'WEBP', 8)) return undefined
  const of = (width: number, height: number, animated = false, orientation = 1): ImageHeader => ({
    ...{ width, height, animated, orientation },
    contentType: 'image/webp',
  })
  if (startsWith(bytes, 'VP8X', 12)) {
    const uint24 = (at: number) => view.getUint16(at, true) + view.getUint8(at + 2) * 65_536
    const animated = (view.getUint8(20) & ANIMATION) !== 0
    return of(uint24(24) + 1, uint24(27) + 1, animated, webpOrientation(bytes, view))
  }
  if (startsWith(bytes, 'VP8L', 12)) {
    const bits = view.getUint32(21, true)
    return of((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1)
  }
  if (!startsWith(bytes, 'VP8 ', 12)) return undefined
  return of(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff)
}

/** Some write EXIF as JPEG has it, with its name before it. */
function webpOrientation(bytes: Uint8Array, view: DataView): number {
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true)
    if (startsWith(bytes, 'EXIF', at)) {
      const start = startsWith(bytes, 'Exif\0\0', at + 8) ? at + 14 : at + 8
      return orientationIn(bytes.subarray(start, at + 8 + length))
    }
    at += 8 + length + (length % 2)
  }
  return 1
}
