/** One scan of a JPEG: which blocks come in which order (ITU T.81 §A.2). */
import { pause } from '../pause.ts'
import { Unreadable } from '../picture.ts'
import { BitReader } from './bits.ts'
import { type Band, finerAc, finerDc, firstAc, firstDc, type ReadBlock, sequentialBlock } from './blocks.ts'
import type { Component, Frame, Tables } from './frame.ts'
import type { Side } from './samples.ts'

/** A component with what is kept of it. */
export interface Plane extends Component {
  /** Of its blocks, how many samples are made across and down. */
  side: Side
  /** Where a coefficient is kept, by its order in the file. */
  slots: Int8Array
  /** By blocks of the stride: the coefficients, and two words that say which of them are not zero. */
  kept: Int16Array
  seen: Uint32Array
}

export interface Scan {
  planes: Plane[]
  from: number
  to: number
  before: number
  now: number
}

/** Others have their turn after so many blocks. */
const BLOCKS_AT_ONCE = 30_000

export function readScan(planes: readonly Plane[], { progressive }: Frame, data: Uint8Array): Scan {
  const count = data[0] ?? 0
  if (count < 1 || count > 4 || data.length < 4 + 2 * count) throw new Unreadable('a broken scan')
  const chosen = Array.from({ length: count }, (_, i) => {
    const plane = planes.find(({ id }) => id === data[1 + 2 * i])
    if (plane === undefined) throw new Unreadable('a scan of no component')
    return plane
  })
  if (new Set(chosen).size < count) throw new Unreadable('a scan of one component twice')
  if (!progressive) return { planes: chosen, from: 0, to: 63, before: 0, now: 0 }
  const [from, to, shifts] = [data[1 + 2 * count]!, data[2 + 2 * count]!, data[3 + 2 * count]!]
  const isDc = from === 0 && to === 0
  const isAc = from > 0 && from <= to && to < 64 && count === 1
  if ((!isDc && !isAc) || (shifts & 15) > 13) throw new Unreadable('a broken scan')
  return { planes: chosen, from, to, before: shifts >> 4, now: shifts & 15 }
}

/** Which tables the components of a scan are coded by. */
export function tablesOf(data: Uint8Array, index: number): { dc: number; ac: number } {
  const numbers = data[2 + 2 * index] ?? 0
  return { dc: (numbers >> 4) & 3, ac: numbers & 3 }
}

interface Reading {
  bytes: Uint8Array
  /** Where its bits begin. */
  at: number
  segment: Uint8Array
}

/** Reads all blocks of a scan, as far as there are bits. Answers where it ended. */
export async function decodeScan(
  frame: Frame,
  tables: Tables,
  scan: Scan,
  reading: Reading,
): Promise<number> {
  const bits = new BitReader(reading.bytes, reading.at)
  const bands = scan.planes.map(({ slots }, index): Band => {
    const { dc, ac } = tablesOf(reading.segment, index)
    const { from, to, before, now } = scan
    const codes = { dc: tables.dc[dc], ac: tables.ac[ac] }
    return { ...{ bits, slots, from, to, before, now }, ...codes, last: 0, empty: 0 }
  })
  const readBlock = blockReader(frame, scan)
  let left = tables.restartInterval
  let done = 0
  for (const unit of unitsOf(frame, scan.planes)) {
    if (bits.isOver) break
    if (tables.restartInterval > 0 && left === 0) {
      if (!bits.restart()) break
      for (const band of bands) Object.assign(band, { last: 0, empty: 0 })
      left = tables.restartInterval
    }
    left -= 1
    for (const { index, block } of unit) {
      const { kept, seen, side } = scan.planes[index]!
      readBlock(bands[index]!, kept, block * side * side, seen, block * 2)
    }
    done += unit.length
    if (done < BLOCKS_AT_ONCE) continue
    done = 0
    await pause()
  }
  return bits.position
}

function blockReader({ progressive }: Frame, { from, before }: Scan): ReadBlock {
  if (!progressive) return sequentialBlock
  if (from === 0) return before === 0 ? firstDc : finerDc
  return before === 0 ? firstAc : finerAc
}

interface Place {
  /** Of the scan's components. */
  index: number
  block: number
}

/** One component goes block by block, as far as the picture needs; several go in units. The list is the same each time. */
function* unitsOf(frame: Frame, planes: readonly Plane[]): Generator<Place[]> {
  const [only] = planes
  if (planes.length === 1 && only !== undefined) {
    const place = { index: 0, block: 0 }
    const unit = [place]
    for (let row = 0; row < only.high; row += 1) {
      for (let column = 0; column < only.wide; column += 1) {
        place.block = row * only.stride + column
        yield unit
      }
    }
    return
  }
  const unit: Place[] = planes.flatMap(({ h, v }, index) =>
    Array.from({ length: h * v }, () => ({ index, block: 0 })),
  )
  for (let row = 0; row < frame.unitsHigh; row += 1) {
    for (let column = 0; column < frame.unitsWide; column += 1) {
      let next = 0
      for (const { h, v, stride } of planes) {
        for (let y = 0; y < v; y += 1) {
          for (let x = 0; x < h; x += 1, next += 1) {
            unit[next]!.block = (row * v + y) * stride + column * h + x
          }
        }
      }
      yield unit
    }
  }
}
