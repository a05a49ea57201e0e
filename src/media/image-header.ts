/** What the first bytes of an image say of it, read before anything is decoded: its kind and its size. */

export interface ImageHeader {
  contentType: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp'
  /** Pixels, as they are stored: a camera held upright may have noted that they are to be turned. */
  width: number
  height: number
  /** Several pictures, one after the other. */
  animated: boolean
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
  return [...text].every((char, i) => bytes[at + i] === char.charCodeAt(0))
}

/** The chunk with the size is the first one. */
function png(bytes: Uint8Array, view: DataView): ImageHeader | undefined {
  if (!startsWith(bytes, '\x89PNG\r\n\x1a\n') || !startsWith(bytes, 'IHDR', 12)) return undefined
  return { contentType: 'image/png', width: view.getUint32(16), height: view.getUint32(20), animated: false }
}

/** Frame headers are SOF0 to SOF15, but for DHT, JPG and DAC, which have numbers among them. */
const NO_FRAME: ReadonlySet<number> = new Set([0xc4, 0xc8, 0xcc])

function jpeg(bytes: Uint8Array, view: DataView): ImageHeader | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined
  for (let at = 2; at < bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined
    const marker = view.getUint8(at + 1)
    if (marker === 0xff) {
      at += 1
      continue
    }
    if (marker >= 0xc0 && marker <= 0xcf && !NO_FRAME.has(marker)) {
      const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)]
      return { contentType: 'image/jpeg', width, height, animated: false }
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
  const of = (width: number, height: number, animated = false): ImageHeader => ({
    contentType: 'image/webp',
    width,
    height,
    animated,
  })
  if (startsWith(bytes, 'VP8X', 12)) {
    const uint24 = (at: number) => view.getUint16(at, true) + view.getUint8(at + 2) * 65_536
    return of(uint24(24) + 1, uint24(27) + 1, (view.getUint8(20) & ANIMATION) !== 0)
  }
  if (startsWith(bytes, 'VP8L', 12)) {
    const bits = view.getUint32(21, true)
    return of((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1)
  }
  if (!startsWith(bytes, 'VP8 ', 12)) return undefined
  return of(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff)
}
