/** What a JPEG says of itself before its scans: its size, its components and their tables (ITU T.81, annex B). */
import { Unreadable } from '../picture.ts'
import { type HuffmanTable, huffmanTable } from './bits.ts'

export interface Component {
  id: number
  /** Sampling factors. */
  h: number
  v: number
  /** The table by which its coefficients are quantised. */
  table: number
  /** Blocks: those that the picture needs, and with them those that fill up its last units. */
  wide: number
  high: number
  stride: number
  lines: number
}

export interface Frame {
  width: number
  height: number
  progressive: boolean
  components: Component[]
  /** The largest sampling factors. */
  h: number
  v: number
  /** Units of all components, across and down. */
  unitsWide: number
  unitsHigh: number
}

/** What segments between the scans say, as the next scan finds it. */
export interface Tables {
  /** In the order of the zigzag. */
  quantisation: (Uint16Array | undefined)[]
  dc: (HuffmanTable | undefined)[]
  ac: (HuffmanTable | undefined)[]
  restartInterval: number
  /** What Adobe's segment says of the colours; undefined where there is none. */
  adobe?: number
}

/** Sequential with 8 bits, extended, progressive: what is coded by arithmetic or without loss is not read. */
const FRAMES: Readonly<Record<number, { progressive: boolean }>> = {
  192: { progressive: false },
  193: { progressive: false },
  194: { progressive: true },
}

export function isFrame(marker: number): boolean {
  return FRAMES[marker] !== undefined
}

export function readFrame(marker: number, data: Uint8Array): Frame {
  const [bits, heightHigh, heightLow, widthHigh, widthLow, count] = data
  if (bits !== 8 || data.length < 6 + 3 * count!) throw new Unreadable('a frame of another kind')
  const height = heightHigh! * 256 + heightLow!
  const width = widthHigh! * 256 + widthLow!
  if (width === 0 || height === 0 || ![1, 3, 4].includes(count!))
    throw new Unreadable('a frame of another kind')
  const given = Array.from({ length: count! }, (_, i) => {
    const [id, factors, table] = data.subarray(6 + 3 * i)
    const [h, v] = [factors! >> 4, factors! & 15]
    if (h < 1 || h > 4 || v < 1 || v > 4 || table! > 3) throw new Unreadable('a wrong sampling factor')
    return { id: id!, h, v, table: table! }
  })
  const h = Math.max(...given.map((component) => component.h))
  const v = Math.max(...given.map((component) => component.v))
  const unitsWide = Math.ceil(width / (8 * h))
  const unitsHigh = Math.ceil(height / (8 * v))
  const components = given.map((component) => ({
    ...component,
    wide: Math.ceil(Math.ceil((width * component.h) / h) / 8),
    high: Math.ceil(Math.ceil((height * component.v) / v) / 8),
    stride: unitsWide * component.h,
    lines: unitsHigh * component.v,
  }))
  return { width, height, progressive: FRAMES[marker]!.progressive, components, h, v, unitsWide, unitsHigh }
}

const DQT = 0xdb
const DHT = 0xc4
const DRI = 0xdd
const APP14 = 0xee

/** Takes in a segment of tables; others say nothing to us. */
export function readTables(tables: Tables, marker: number, data: Uint8Array): void {
  if (marker === DQT) readQuantisation(tables, data)
  else if (marker === DHT) readHuffman(tables, data)
  else if (marker === DRI) tables.restartInterval = (data[0] ?? 0) * 256 + (data[1] ?? 0)
  else if (marker === APP14 && String.fromCharCode(...data.subarray(0, 5)) === 'Adobe')
    tables.adobe = data[11] ?? 0
}

function readQuantisation({ quantisation }: Tables, data: Uint8Array): void {
  for (let at = 0; at < data.length; ) {
    const bytes = data[at]! >> 4 === 0 ? 1 : 2
    const number = data[at]! & 15
    const end = at + 1 + 64 * bytes
    if (number > 3 || end > data.length) throw new Unreadable('a broken table of quantisation')
    const table = new Uint16Array(64)
    for (let i = 0, from = at + 1; i < 64; i += 1, from += bytes) {
      table[i] = bytes === 1 ? data[from]! : data[from]! * 256 + data[from + 1]!
    }
    quantisation[number] = table
    at = end
  }
}

function readHuffman({ dc, ac }: Tables, data: Uint8Array): void {
  for (let at = 0; at < data.length; ) {
    const number = data[at]! & 15
    const counts = data.subarray(at + 1, at + 17)
    const end = at + 17 + counts.reduce((sum, count) => sum + count, 0)
    if (number > 3 || end > data.length) throw new Unreadable('a broken table of codes')
    const kind = data[at]! >> 4 === 0 ? dc : ac
    kind[number] = huffmanTable(counts, data.slice(at + 17, end))
    at = end
  }
}
