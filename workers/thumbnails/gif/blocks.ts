/** The blocks of a GIF: the screen, and where its pictures are (GIF89a). */
import { Unreadable } from '../picture.ts'

export interface GifFrame {
  x: number
  y: number
  width: number
  height: number
  interlaced: boolean
  /** RGB, three bytes a colour. */
  palette: Uint8Array
  /** Of the colours, the one that shines through; -1 for none. */
  transparent: number
  /** ms */
  delay: number
  /** §23.c.iv */
  disposal: number
  /** Where the packed data begin, with the size of their first codes. */
  data: number
}

export interface GifScreen {
  width: number
  height: number
  /** How often it is shown; 0 for ever. */
  plays: number
  /** No more than were asked for. */
  frames: GifFrame[]
}

const EXTENSION = 0x21
const IMAGE = 0x2c
const CONTROL = 0xf9
const APPLICATION = 0xff

/** @param most how many pictures are looked for */
export function readGif(bytes: Uint8Array, most: number): GifScreen {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 13) throw new Unreadable('a header cut off')
  const global = paletteAt(bytes, 13, bytes[10]!)
  const screen: GifScreen = {
    width: view.getUint16(6, true),
    height: view.getUint16(8, true),
    plays: 1,
    frames: [],
  }
  let control = { transparent: -1, delay: 0, disposal: 0 }
  for (let at = 13 + global.length; at < bytes.length && screen.frames.length < most; ) {
    if (bytes[at] === EXTENSION) {
      if (bytes[at + 1] === CONTROL && at + 8 <= bytes.length) control = controlAt(bytes, view, at)
      if (bytes[at + 1] === APPLICATION) screen.plays = playsAt(bytes, at) ?? screen.plays
      at = afterBlocks(bytes, at + 2)
    } else if (bytes[at] === IMAGE && at + 10 <= bytes.length) {
      const flags = bytes[at + 9]!
      const local = paletteAt(bytes, at + 10, flags)
      const [x, y, width, height] = [1, 3, 5, 7].map((by) => view.getUint16(at + by, true)) as [
        number,
        number,
        number,
        number,
      ]
      const palette = local.length > 0 ? local : global
      const data = at + 10 + local.length
      screen.frames.push({
        ...{ x, y, width, height, palette, data },
        ...control,
        interlaced: (flags & 0x40) !== 0,
      })
      control = { transparent: -1, delay: 0, disposal: 0 }
      at = afterBlocks(bytes, data + 1)
    } else break
  }
  return screen
}

function paletteAt(bytes: Uint8Array, at: number, flags: number): Uint8Array {
  return (flags & 0x80) === 0 ? new Uint8Array(0) : bytes.subarray(at, at + 3 * 2 ** ((flags & 7) + 1))
}

function controlAt(bytes: Uint8Array, view: DataView, at: number) {
  const flags = bytes[at + 3]!
  return {
    transparent: (flags & 1) === 1 ? bytes[at + 6]! : -1,
    delay: view.getUint16(at + 4, true) * 10,
    disposal: (flags >> 2) & 7,
  }
}

/** Netscape's extension: how often the animation is repeated, where it is at all. */
function playsAt(bytes: Uint8Array, at: number): number | undefined {
  if (String.fromCharCode(...bytes.subarray(at + 3, at + 14)) !== 'NETSCAPE2.0') return undefined
  const repeats = (bytes[at + 16] ?? 0) + (bytes[at + 17] ?? 0) * 256
  return repeats === 0 ? 0 : repeats + 1
}

function afterBlocks(bytes: Uint8Array, from: number): number {
  let at = from
  while (at < bytes.length && bytes[at] !== 0) at += 1 + bytes[at]!
  return at + 1
}
