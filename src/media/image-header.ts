/** What the first bytes of a picture say: its type, whatever a server calls it, and its size where it stands there. */

export interface ImageHeader {
  contentType: string
  width?: number
  height?: number
}

interface Size {
  width: number
  height: number
}

const ascii = (bytes: Uint8Array, from: number, to: number) =>
  String.fromCharCode(...bytes.subarray(from, to))

interface Kind {
  contentType: string
  is(bytes: Uint8Array): boolean
  size?(view: DataView, bytes: Uint8Array): Size | undefined
}

const KINDS: Kind[] = [
  {
    contentType: 'image/png',
    is: (bytes) => ascii(bytes, 0, 8) === '\x89PNG\r\n\x1a\n',
    size: (view) => ({ width: view.getUint32(16), height: view.getUint32(20) }),
  },
  {
    contentType: 'image/gif',
    is: (bytes) => /^GIF8[79]a$/.test(ascii(bytes, 0, 6)),
    size: (view) => ({ width: view.getUint16(6, true), height: view.getUint16(8, true) }),
  },
  { contentType: 'image/jpeg', is: (bytes) => ascii(bytes, 0, 3) === '\xff\xd8\xff', size: jpegSize },
  {
    contentType: 'image/webp',
    is: (bytes) => ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 12) === 'WEBP',
    size: webpSize,
  },
  { contentType: 'image/avif', is: (bytes) => /^ftypavi[fs]$/.test(ascii(bytes, 4, 12)) },
]

/** Undefined for what is no picture that browsers show safely. */
export function imageHeader(bytes: Uint8Array): ImageHeader | undefined {
  const kind = KINDS.find(({ is }) => is(bytes))
  if (kind === undefined) return undefined
  const size = sizeOf(kind, bytes)
  return { contentType: kind.contentType, ...size }
}

function sizeOf({ size }: Kind, bytes: Uint8Array): Size | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    const found = size?.(view, bytes)
    return found !== undefined && found.width > 0 && found.height > 0 ? found : undefined
  } catch {
    // It ends before its size is told.
    return undefined
  }
}

/** Walks over the segments to the first that begins a frame: SOF0 to SOF15, without DHT, JPG and DAC between them. */
function jpegSize(view: DataView): Size | undefined {
  for (let at = 2; view.getUint8(at) === 0xff; ) {
    const marker = view.getUint8(at + 1)
    if (marker === 0xff) at += 1
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) }
    } else at += 2 + view.getUint16(at + 2)
  }
  return undefined
}

/** The container's three forms: lossy, lossless, extended. */
function webpSize(view: DataView, bytes: Uint8Array): Size | undefined {
  const form = ascii(bytes, 12, 16)
  if (form === 'VP8 ') {
    return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
  }
  if (form === 'VP8L') {
    const bits = view.getUint32(21, true)
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  if (form !== 'VP8X') return undefined
  const uint24 = (at: number) => view.getUint16(at, true) + view.getUint8(at + 2) * 0x1_0000
  return { width: uint24(24) + 1, height: uint24(27) + 1 }
}
