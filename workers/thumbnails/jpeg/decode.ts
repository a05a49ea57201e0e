/**
 * JPEG, sequential and progressive, at a half, a quarter or an eighth of its size where that will do: what is in
 * memory then is as much smaller. Of one size a progressive picture of 32 megapixels would need 200 MB.
 */
import { pause } from '../pause.ts'
import { type OpenRows, TooLarge, Unreadable } from '../picture.ts'
import type { Work } from '../work.ts'
import { slotsOf } from './blocks.ts'
import { paintOf } from './colours.ts'
import { type Component, type Frame, isFrame, readFrame, readTables, type Tables } from './frame.ts'
import { type Side, transform } from './samples.ts'
import { decodeScan, type Plane, readScan } from './scan.ts'

/** What coefficients may take of the 128 MB of an isolate. */
const MAX_BYTES = 60 * 1024 * 1024
/** What more scans would add is not looked at: a picture has about ten. */
const MAX_SCANS = 100
/** Of tables and of what is said beside the picture: a profile is in some hundred at most. */
const MAX_SEGMENTS = 5_000
/** All scans together, blocks: six times a picture of 32 megapixels with full colours. */
const MAX_BLOCKS = 10_000_000

const ROWS_AT_ONCE = 64

const SOI = 0xd8
const EOI = 0xd9
const SOS = 0xda
const HAS_NO_DATA = (marker: number) => marker === 1 || (marker >= 0xd0 && marker <= SOI)

interface Decoding {
  bytes: Uint8Array
  /** By how much it may be smaller. */
  factor: number
  work: Work
}

interface State {
  frame?: Frame
  planes: Plane[]
  side: Side
  tables: Tables
  blocks: number
  scans: number
}

/** Hands in the rows of a JPEG, made smaller by no more than `factor` where the memory allows. */
export async function decodeJpeg(decoding: Decoding, open: OpenRows): Promise<void> {
  const { bytes } = decoding
  const tables: Tables = { quantisation: [], dc: [], ac: [], restartInterval: 0 }
  const state: State = { planes: [], side: 8, tables, blocks: 0, scans: 0 }
  let segments = 0
  for (let at = 2; at < bytes.length && segments < MAX_SEGMENTS; segments += 1) {
    const found = segmentAt(bytes, at)
    if (found === undefined || found.marker === EOI) break
    at = await take(decoding, state, found)
    if (state.scans >= MAX_SCANS || state.blocks >= MAX_BLOCKS) break
  }
  if (state.frame === undefined || state.scans === 0) throw new Unreadable('no picture')
  await paintRows(state, state.frame, open)
}

interface Segment {
  marker: number
  data: Uint8Array
  end: number
}

/** The next segment; what stands before it is nothing. */
function segmentAt(bytes: Uint8Array, from: number): Segment | undefined {
  let at = bytes.indexOf(0xff, from)
  while (at !== -1 && (bytes[at + 1] === 0xff || bytes[at + 1] === 0 || isRestart(bytes[at + 1]))) {
    at = bytes.indexOf(0xff, at + 1)
  }
  const marker = bytes[at + 1]
  if (at === -1 || marker === undefined) return undefined
  if (marker === EOI || HAS_NO_DATA(marker)) return { marker, data: bytes.subarray(0, 0), end: at + 2 }
  const length = (bytes[at + 2] ?? 0) * 256 + (bytes[at + 3] ?? 0)
  if (length < 2 || at + 2 + length > bytes.length) return undefined
  return { marker, data: bytes.subarray(at + 4, at + 2 + length), end: at + 2 + length }
}

function isRestart(marker: number | undefined): boolean {
  return marker !== undefined && marker >= 0xd0 && marker <= 0xd7
}

/** Answers where the next segment may begin. */
async function take(
  { bytes, factor, work }: Decoding,
  state: State,
  { marker, data, end }: Segment,
): Promise<number> {
  if (isFrame(marker)) {
    if (state.frame !== undefined) throw new Unreadable('two frames')
    state.frame = readFrame(marker, data)
    work.open(state.frame)
    state.side = sideFor(state.frame, factor)
    state.planes = planesOf(state.frame, state.side)
    return end
  }
  if (marker !== SOS) {
    readTables(state.tables, marker, data)
    return end
  }
  const { frame, planes, tables } = state
  if (frame === undefined) throw new Unreadable('a scan before its frame')
  const scan = readScan(planes, frame, data)
  state.scans += 1
  // An eighth of the size is what the first coefficients say.
  if (scan.from > 0 && scan.planes.every((plane) => plane.side === 1)) return end
  work.scan()
  state.blocks += scan.planes.reduce((sum, plane) => sum + plane.stride * plane.lines, 0)
  return decodeScan(frame, tables, scan, { bytes, at: end, segment: data })
}

/** Of a block of 8 × 8, the largest side that is wanted and fits. @throws TooLarge */
function sideFor(frame: Frame, factor: number): Side {
  const sides: Side[] = [8, 4, 2, 1]
  const side = sides.find(
    (fitting) => 8 / fitting >= largestPower(factor) && bytesFor(frame, fitting) <= MAX_BYTES,
  )
  if (side === undefined) throw new TooLarge('no memory for this')
  return side
}

function largestPower(factor: number): number {
  return factor >= 8 ? 8 : factor >= 4 ? 4 : factor >= 2 ? 2 : 1
}

function bytesFor(frame: Frame, side: Side): number {
  return frame.components.reduce((sum, component) => {
    const own = sideOf(component, frame, side)
    return sum + component.stride * component.lines * (2 * own * own + (frame.progressive ? 8 : 0))
  }, 0)
}

/** Colours that are stored at half the size are made smaller by half as much. */
function sideOf({ h, v }: Component, frame: Frame, side: Side): Side {
  const sides: Side[] = [8, 4, 2, 1]
  return sides.find((own) => own * h <= side * frame.h && own * v <= side * frame.v) ?? 1
}

function planesOf(frame: Frame, side: Side): Plane[] {
  return frame.components.map((component) => {
    const blocks = component.stride * component.lines
    const own = sideOf(component, frame, side)
    return {
      ...component,
      side: own,
      slots: slotsOf(own),
      kept: new Int16Array(blocks * own * own),
      seen: new Uint32Array(frame.progressive && own > 1 ? blocks * 2 : 0),
    }
  })
}

async function paintRows({ planes, side, tables }: State, frame: Frame, open: OpenRows): Promise<void> {
  const width = Math.ceil((frame.width * side) / 8)
  const height = Math.ceil((frame.height * side) / 8)
  const rows = open({ width, height })
  const paint = paintOf(planes, tables)
  const painters = planes.map((plane) =>
    linesOf(plane, tables, { across: frame.h * side, down: frame.v * side }),
  )
  const columns = painters.map(({ column }) => Int32Array.from({ length: width }, (_, x) => column(x)))
  for (let y = 0; y < height; y += 1) {
    const lines = painters.map(({ line }) => line(y))
    paint(rows.pixels, lines, columns)
    rows.next()
    if (y % ROWS_AT_ONCE === 0) await pause()
  }
}

/**
 * The samples of a component, by lines of the picture; of its blocks one row is in memory at a time.
 * @param unit how many samples the picture has for a unit of all components
 */
function linesOf(
  { h, v, side, slots, table, stride, kept }: Plane,
  { quantisation }: Tables,
  unit: { across: number; down: number },
) {
  const given = quantisation[table]
  if (given === undefined) throw new Unreadable('a component without its quantisation')
  const steps = new Float32Array(side * side)
  slots.forEach((slot, order) => {
    if (slot >= 0) steps[slot] = given[order]!
  })
  const block = transform(side)
  const width = stride * side
  const samples = new Uint8ClampedArray(width * side)
  let made = -1
  const makeRow = (row: number) => {
    for (let column = 0; column < stride; column += 1) {
      block(kept, (row * stride + column) * side * side, steps, samples, column * side, width)
    }
    made = row
  }
  return {
    column: (x: number) => Math.floor((x * h * side) / unit.across),
    line(y: number): Uint8ClampedArray {
      const own = Math.floor((y * v * side) / unit.down)
      const row = Math.floor(own / side)
      if (made !== row) makeRow(row)
      const start = (own % side) * width
      return samples.subarray(start, start + width)
    },
  }
}
