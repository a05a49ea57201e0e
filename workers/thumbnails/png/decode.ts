/** PNG: a picture row by row, and the frames of an animation. */
import type { Animation, AnimationFrame } from '../animation.ts'
import { handIn, type OpenRows, type Picture, TooLarge, Unreadable } from '../picture.ts'
import type { Work } from '../work.ts'
import { chunksOf, type FrameControl, type Header, readFrameControl, readHeader } from './chunks.ts'
import { pixelReader } from './pixels.ts'
import { Lines, readRows } from './rows.ts'

/** Adam7 (§8): where each pass begins, and its steps, across and down. */
const PASSES = [
  { x: 0, y: 0, right: 8, down: 8 },
  { x: 4, y: 0, right: 8, down: 8 },
  { x: 0, y: 4, right: 4, down: 8 },
  { x: 2, y: 0, right: 4, down: 4 },
  { x: 0, y: 2, right: 2, down: 4 },
  { x: 1, y: 0, right: 2, down: 2 },
  { x: 0, y: 1, right: 1, down: 2 },
]
/** The first so many passes are the whole picture at a part of its size. */
const PASSES_OF: [factor: number, passes: number][] = [
  [1, 7],
  [2, 5],
  [4, 3],
  [8, 1],
]
/** What comes in passes must be in memory at once, RGBA. */
const MAX_BYTES = 48 * 1024 * 1024

interface File {
  header: Header
  /** Of the picture itself. */
  data: Uint8Array[]
  frames: { control: FrameControl; data: Uint8Array[] }[]
  /** How often the animation is shown; 0 for ever. */
  plays: number
}

function readFile(bytes: Uint8Array): File {
  let header: Header | undefined
  const file = { data: [] as Uint8Array[], frames: [] as File['frames'], plays: 0 }
  for (const { name, data } of chunksOf(bytes)) {
    if (name === 'IHDR') header ??= readHeader(data)
    else if (header === undefined) throw new Unreadable('no header')
    else if (name === 'PLTE') header.palette ??= data
    else if (name === 'tRNS') header.transparency ??= data
    else if (name === 'acTL' && data.length >= 8)
      file.plays = new DataView(data.buffer, data.byteOffset).getUint32(4)
    else if (name === 'fcTL') file.frames.push({ control: readFrameControl(data), data: [] })
    else if (name === 'fdAT') file.frames.at(-1)?.data.push(data.subarray(4))
    else if (name === 'IDAT') {
      file.data.push(data)
      file.frames.at(-1)?.data.push(data)
    }
  }
  if (header === undefined || file.data.length === 0) throw new Unreadable('no picture')
  return { header, ...file }
}

/** Hands in the rows of the picture itself, which is what programs show that know no animations. */
export async function decodePng(bytes: Uint8Array, work: Work, open: OpenRows): Promise<void> {
  const { header, data } = readFile(bytes)
  await decodeRows(header, data, work, open)
}

async function decodeRows(header: Header, data: Uint8Array[], work: Work, open: OpenRows): Promise<void> {
  work.open(header)
  const lines = new Lines(data)
  try {
    if (header.interlaced) handIn(await readPasses(header, lines), open)
    else await readInOrder(header, lines, open)
  } finally {
    await lines.end()
  }
}

async function readInOrder(header: Header, lines: Lines, open: OpenRows): Promise<void> {
  const rows = open(header)
  const readPixel = pixelReader(header)
  await readRows(lines, header, header, (row) => {
    for (let x = 0; x < header.width; x += 1) readPixel(row, x, rows.pixels, 4 * x)
    rows.next()
  })
}

async function readPasses(header: Header, lines: Lines): Promise<Picture> {
  const { width, height } = header
  const sizeAt = (factor: number) => ({
    width: Math.ceil(width / factor),
    height: Math.ceil(height / factor),
  })
  const fitting = PASSES_OF.find(([factor]) => sizeAt(factor).width * sizeAt(factor).height * 4 <= MAX_BYTES)
  if (fitting === undefined) throw new TooLarge('no memory for this')
  const [factor, passes] = fitting
  const size = sizeAt(factor)
  const picture: Picture = { ...size, data: new Uint8ClampedArray(size.width * size.height * 4) }
  const readPixel = pixelReader(header)
  for (const pass of PASSES.slice(0, passes)) {
    const across = Math.ceil((width - pass.x) / pass.right)
    const down = Math.ceil((height - pass.y) / pass.down)
    if (across < 1 || down < 1) continue
    await readRows(lines, header, { width: across, height: down }, (row, y) => {
      const line = ((pass.y + y * pass.down) / factor) * size.width
      for (let x = 0; x < across; x += 1) {
        readPixel(row, x, picture.data, (line + (pass.x + x * pass.right) / factor) * 4)
      }
    })
  }
  return picture
}

/** §11.3.6: what becomes of a frame before the next one, and how it comes onto the canvas. */
const DISPOSALS = ['keep', 'clear', 'restore'] as const
const OVER = 1

/** The animation of a PNG; undefined where it has none. */
export function pngAnimation(bytes: Uint8Array, work: Work): Animation | undefined {
  const { header, frames, plays } = readFile(bytes)
  if (frames.length < 2) return undefined
  return {
    width: header.width,
    height: header.height,
    plays,
    frames: frames.map(({ control, data }): AnimationFrame => {
      const { x, y, width, height, delay, dispose, blend } = control
      const pixels = async () => (await wholePicture({ ...header, width, height }, data, work)).data
      return {
        x,
        y,
        width,
        height,
        delay,
        dispose: DISPOSALS[dispose] ?? 'keep',
        over: blend === OVER,
        pixels,
      }
    }),
  }
}

async function wholePicture(header: Header, data: Uint8Array[], work: Work): Promise<Picture> {
  let picture: Picture | undefined
  let filled = 0
  await decodeRows(header, data, work, ({ width, height }) => {
    const pixels = new Uint8ClampedArray(width * 4)
    const made = { width, height, data: new Uint8ClampedArray(width * height * 4) }
    picture = made
    return {
      pixels,
      next() {
        made.data.set(pixels, filled)
        filled += pixels.length
      },
    }
  })
  if (picture === undefined) throw new Unreadable('no frame')
  return picture
}
