/** The coded bits of a JPEG's scan, and the Huffman codes in them (ITU T.81, annex F). */
import { Unreadable } from '../picture.ts'

/** Codes up to this length are looked up, the few longer ones are searched. */
const LOOKED_UP = 9

export interface HuffmanTable {
  /** By the next bits: the code's length × 256 + its symbol; 0 where the code is longer. */
  look: Uint16Array
  /** By length: the largest code, or -1. */
  largest: Int32Array
  /** By length: what a code is to be moved by to be an index of `symbols`. */
  offset: Int32Array
  symbols: Uint8Array
}

/** @param counts how many codes there are of each length, from 1 to 16 */
export function huffmanTable(counts: Uint8Array, symbols: Uint8Array): HuffmanTable {
  const look = new Uint16Array(1 << LOOKED_UP)
  const largest = new Int32Array(18).fill(-1)
  const offset = new Int32Array(18)
  let code = 0
  let index = 0
  for (let length = 1; length <= 16; length += 1) {
    const count = counts[length - 1]!
    if (code + count > 1 << length) throw new Unreadable('more codes than their length has')
    offset[length] = index - code
    for (let i = 0; i < count; i += 1, code += 1, index += 1) {
      if (length > LOOKED_UP) continue
      const from = code << (LOOKED_UP - length)
      look.fill(length * 256 + symbols[index]!, from, from + (1 << (LOOKED_UP - length)))
    }
    if (count > 0) largest[length] = code - 1
    code <<= 1
  }
  return { look, largest, offset, symbols }
}

/** After so many bits that are not there, a scan is over. */
const MISSING_BYTES = 8

/** Reads bits up to the next marker; behind it there are only zeros. */
export class BitReader {
  readonly #bytes: Uint8Array
  #at: number
  #bits = 0
  #left = 0
  #missing = 0

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  /** Where the next marker stands, or stood before what was read. */
  get position(): number {
    return this.#at
  }

  get isOver(): boolean {
    return this.#missing > MISSING_BYTES
  }

  #fill(): void {
    while (this.#left <= 24) {
      let byte = this.#bytes[this.#at]
      if (byte === undefined || (byte === 0xff && this.#bytes[this.#at + 1] !== 0)) {
        this.#missing += 1
        byte = 0
      } else this.#at += byte === 0xff ? 2 : 1
      this.#bits = (this.#bits << 8) | byte
      this.#left += 8
    }
  }

  symbol({ look, largest, offset, symbols }: HuffmanTable): number {
    if (this.#left < 16) this.#fill()
    const entry = look[(this.#bits >>> (this.#left - LOOKED_UP)) & ((1 << LOOKED_UP) - 1)]!
    if (entry !== 0) {
      this.#left -= entry >> 8
      return entry & 255
    }
    for (let length = LOOKED_UP + 1; length <= 16; length += 1) {
      const code = (this.#bits >>> (this.#left - length)) & ((1 << length) - 1)
      if (code > largest[length]!) continue
      this.#left -= length
      return symbols[code + offset[length]!] ?? 0
    }
    throw new Unreadable('no such code')
  }

  /** @param count 16 at most */
  take(count: number): number {
    if (count === 0) return 0
    if (this.#left < count) this.#fill()
    this.#left -= count
    return (this.#bits >>> this.#left) & ((1 << count) - 1)
  }

  /** T.81 §F.2.2.1, EXTEND: a number of so many bits, whose first one says that it is positive. */
  signed(count: number): number {
    const value = this.take(count)
    return value < 1 << (count - 1) ? value - (1 << count) + 1 : value
  }

  /** Goes behind the restart marker that must stand here. False where there is none. */
  restart(): boolean {
    this.#bits = 0
    this.#left = 0
    this.#missing = 0
    const marker = this.#bytes[this.#at + 1] ?? 0
    if (this.#bytes[this.#at] !== 0xff || marker < 0xd0 || marker > 0xd7) return false
    this.#at += 2
    return true
  }
}
