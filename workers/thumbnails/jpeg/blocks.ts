/** The coefficients of a JPEG: read scan by scan, of each block only those that the wanted size needs. */
import { Unreadable } from '../picture.ts'
import type { BitReader, HuffmanTable } from './bits.ts'

/** By their order in the file, the row and column of each coefficient: row × 8 + column. */
export const ZIGZAG = Uint8Array.from([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46,
  53, 60, 61, 54, 47, 55, 62, 63,
])

/** Where a coefficient is kept in a block of `side` × `side`, by its order in the file; -1 where it is not. */
export function slotsOf(side: number): Int8Array {
  return Int8Array.from(ZIGZAG, (place) => {
    const [row, column] = [place >> 3, place & 7]
    return row < side && column < side ? row * side + column : -1
  })
}

/** What one scan brings of one component: T.81 §B.2.3. */
export interface Band {
  bits: BitReader
  dc: HuffmanTable | undefined
  ac: HuffmanTable | undefined
  /** The first and last coefficient. */
  from: number
  to: number
  /** The bit that stood last before, and the one that stands last now: 0 and 0 in what is not progressive. */
  before: number
  now: number
  slots: Int8Array
  /** The last DC coefficient. */
  last: number
  /** How many blocks to come have no more coefficients in this band. */
  empty: number
}

/** Reads one block into `kept`, from `at`. @param seen two words a block: which coefficients are not zero */
export type ReadBlock = (band: Band, kept: Int16Array, at: number, seen: Uint32Array, mark: number) => void

export function sequentialBlock(band: Band, kept: Int16Array, at: number): void {
  const { bits, slots } = band
  const ac = needed(band.ac)
  readDc(band, kept, at)
  for (let k = 1; k < 64; k += 1) {
    const symbol = bits.symbol(ac)
    const size = symbol & 15
    if (size === 0) {
      if (symbol !== 0xf0) return
      k += 15
      continue
    }
    k += symbol >> 4
    if (k > 63) return
    const slot = slots[k]!
    if (slot < 0) bits.take(size)
    else kept[at + slot] = bits.signed(size)
  }
}

function readDc(band: Band, kept: Int16Array, at: number): void {
  const size = band.bits.symbol(needed(band.dc))
  if (size > 11) throw new Unreadable('a coefficient too large')
  if (size > 0) band.last += band.bits.signed(size)
  kept[at] = band.last << band.now
}

export function firstDc(band: Band, kept: Int16Array, at: number): void {
  readDc(band, kept, at)
}

export function finerDc({ bits, now }: Band, kept: Int16Array, at: number): void {
  kept[at] = kept[at]! | (bits.take(1) << now)
}

/** T.81 §G.1.2.2 */
export const firstAc: ReadBlock = (band, kept, at, seen, mark) => {
  if (band.empty > 0) {
    band.empty -= 1
    return
  }
  const { bits, slots, to, now } = band
  const ac = needed(band.ac)
  for (let k = band.from; k <= to; k += 1) {
    const symbol = bits.symbol(ac)
    const [run, size] = [symbol >> 4, symbol & 15]
    if (size === 0 && run < 15) {
      band.empty = (1 << run) - 1 + bits.take(run)
      return
    }
    k += run
    if (size === 0) continue
    if (k > to) return
    const value = bits.signed(size) << now
    note(seen, mark, k)
    if (slots[k]! >= 0) kept[at + slots[k]!] = value
  }
}

/** T.81 §G.1.2.3: each coefficient that was not zero has one bit more; among the zeros new ones begin. */
export const finerAc: ReadBlock = (band, kept, at, seen, mark) => {
  const { bits, slots, to, now } = band
  let k = band.from
  if (band.empty === 0) {
    const ac = needed(band.ac)
    for (; k <= to; k += 1) {
      const symbol = bits.symbol(ac)
      let run = symbol >> 4
      if ((symbol & 15) === 0 && run < 15) {
        band.empty = (1 << run) + bits.take(run)
        break
      }
      const value = (symbol & 15) === 0 ? 0 : bits.take(1) === 1 ? 1 << now : -(1 << now)
      for (; k <= to; k += 1) {
        if (isSeen(seen, mark, k)) refine(band, kept, at, k)
        else if (run === 0) break
        else run -= 1
      }
      if (value === 0 || k > to) continue
      note(seen, mark, k)
      if (slots[k]! >= 0) kept[at + slots[k]!] = value
    }
  }
  if (band.empty === 0) return
  for (; k <= to; k += 1) if (isSeen(seen, mark, k)) refine(band, kept, at, k)
  band.empty -= 1
}

function refine({ bits, slots, now }: Band, kept: Int16Array, at: number, k: number): void {
  if (bits.take(1) === 0 || slots[k]! < 0) return
  const value = kept[at + slots[k]!]!
  kept[at + slots[k]!] = value + (value < 0 ? -(1 << now) : 1 << now)
}

function isSeen(seen: Uint32Array, mark: number, k: number): boolean {
  return ((seen[mark + (k >> 5)]! >>> (k & 31)) & 1) === 1
}

function note(seen: Uint32Array, mark: number, k: number): void {
  const word = mark + (k >> 5)
  seen[word] = seen[word]! | (1 << (k & 31))
}

function needed(table: HuffmanTable | undefined): HuffmanTable {
  if (table === undefined) throw new Unreadable('a scan without its codes')
  return table
}
